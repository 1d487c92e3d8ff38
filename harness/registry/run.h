// run.h: a run: every slot filled, every scalar set, one seed. Immutable once planned; its identity is a hash.
#ifndef REGISTRY_RUN_H
#define REGISTRY_RUN_H

#include "base/error.h"
#include "base/file.h"
#include "registry/component.h"
#include "registry/registry.h"

enum { RUN_ID_SIZE = 17 };

// The scalars of a run: names such as "model.d_model", offsets into struct run.
extern const struct option run_scalars[];

// Every slot and scalar at its default.
void run_defaults(struct run *run, struct arena *arena);

// Sets what `key` names: a slot ("ffn" = "swiglu(ratio=2)", or a list `["sliding(window=64)", "full"]`), one option of the
// component that fills a slot ("ffn.ratio" = "2"), or a scalar ("train.lr" = "1e-3"). Slots must be set before their options.
// In a list, "attention.window" sets every entry that has the option, "attention.0.window" that of the first entry. "eval_as"
// takes one attention or a list of them, as the slot does, or "none".
bool run_set(struct run *run, const char *key, const char *value, struct arena *arena, struct error *error);

// Splits "key=value" and sets it.
bool run_set_pair(struct run *run, const char *pair, struct arena *arena, struct error *error);

// The value of a key as run_set reads it back: slots in canonical form, only options that are not default. False: unknown key.
bool run_print(const struct run *run, const char *key, struct text *text);

// Derived scalars (head_dim), warm-up within steps, a list's shortest form for n_layer layers, and every component's `accepts`,
// also with each attention of `eval_as`.
// Call after all run_set; adds all mistakes.
bool run_resolve(struct run *run, struct error *error);

// Calls `visit` for every option of a run: scalars first, then each slot and then its component's options, as key and value.
// Options of a list of several are named by place: "attention.0.window".
void run_visit(const struct run *run, void (*visit)(void *context, const char *key, const char *value, bool is_default),
               void *context);

// Whether a scalar of a resolved run is what it would be unset: a head_dim of d_model / n_head is.
bool run_scalar_is_default(const struct run *run, const struct option *scalar);

// What the identity is the hash of, for people and tests: one line for each part.
void run_identity_text(const struct run *run, const char *data_hash, const char *backend, struct text *text);

// 16 hex digits over everything that is not default and part of the identity, component versions, the data's hash, lanes and
// backend. `data_hash` is the dataset's (component.h), `backend` gemm_way_name() of its way.
void run_identity(const struct run *run, const char *data_hash, const char *backend, char id[RUN_ID_SIZE]);

// "name" or "name(option=value)" with the options that are not default; "none" or "off" for an empty choice.
void choice_print(enum slot slot, const struct choice *choice, struct text *text);
bool choice_parse(enum slot slot, const char *value, struct choice *choice, struct arena *arena, struct error *error);

// The same for a slot's whole value, which may be a list: `["sliding(window=64)", "full"]`.
void setting_print(enum slot slot, const struct setting *setting, struct text *text);
bool setting_parse(enum slot slot, const char *value, struct setting *setting, struct arena *arena, struct error *error);

// How its products are carried out: its `gemm` and its precision, by gemm_rule.
struct gemm_way run_gemm_way(const struct run *run);

// The run with entry i of its `eval_as` as the attention of every layer. Shares its options with `run`.
void run_eval_as(const struct run *run, int i, struct run *as);

// The run whose weights this one starts from; "" where a plan has yet to find it; NULL: it draws its own.
const char *run_source(const struct run *run);

// The choice of a layer, and of a slot that takes one.
const struct choice *run_choice(const struct run *run, enum slot slot, int64_t layer);

#endif
