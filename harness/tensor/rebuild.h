// rebuild.h: the steps of a graph, with what the backward pass rebuilds instead of keeping it. Called by graph_plan.
#ifndef TENSOR_REBUILD_H
#define TENSOR_REBUILD_H

#include "tensor/graph.h"

// Makes graph->steps, when it is known which nodes run backward. False with the reason where a block cannot be run backwards.
bool rebuild_steps(struct graph *graph, struct error *error);

#endif
