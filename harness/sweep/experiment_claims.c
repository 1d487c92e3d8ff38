// experiment_claims.c: what a file expects of its arms: `requires:`, without which an arm does not count, and `claims:`.
//
// Both are judged by reports, from the stored text; here their shape is, and that they name arms and metrics that are there.
// Called while an experiment file is read.
#include <string.h>

#include "registry/expectation.h"
#include "sweep/draft.h"

static void take_claim_text(struct draft *draft, struct yaml *node)
{
    if (draft_is_kind(draft, node, YAML_TEXT) && !*node->text)
        draft_mistake(draft, node->line, "%s: it is empty", node->key);
}

static void take_claim_expect(struct draft *draft, struct yaml *node)
{
    struct expectation expectation;
    struct error trouble = {0};
    if (!draft_is_kind(draft, node, YAML_TEXT))
        return;
    if (!expectation_parse(node->text, draft->arena, &expectation, &trouble)) {
        draft_carry(draft, node->line, "", &trouble);
        return;
    }
    draft_metric(draft, node->line, node->key, expectation.left.metric);
    if (expectation.right.metric)
        draft_metric(draft, node->line, node->key, expectation.right.metric);
}

static void take_claim_published(struct draft *draft, struct yaml *node) { (void)draft_is_kind(draft, node, YAML_MAP); }

void draft_claims(struct draft *draft, struct yaml *node)
{
    static const struct draft_section sections[] = {{"says", take_claim_text},
                                                    {"source", take_claim_text},
                                                    {"expect", take_claim_expect},
                                                    {"published", take_claim_published},
                                                    {NULL, NULL}};
    if (!draft_is_kind(draft, node, YAML_LIST))
        return;
    for (struct yaml *claim = node->first; claim; claim = claim->next) {
        struct yaml named = *claim;
        named.key = "claims";
        if (!draft_is_kind(draft, &named, YAML_MAP))
            continue;
        draft_sections(draft, &named, sections);
        if (!yaml_find(claim, "says") || !yaml_find(claim, "expect"))
            draft_mistake(draft, claim->line, "claims: a claim needs `says:` and `expect:`");
    }
}

static void check_side(struct draft *draft, const struct yaml *expect, const struct measurement *side)
{
    const struct experiment *experiment = draft->experiment;
    struct nearest nearest;
    if (!side->metric)
        return;
    nearest_open(&nearest, side->arm);
    for (int i = 0; i < experiment->arm_count; i++) {
        const struct arm *arm = &experiment->arms[i];
        if (!strcmp(arm->name, side->arm)) {
            draft_metric_fits(draft, expect->line, expect->key, side->metric, arm);
            return;
        }
        nearest_offer(&nearest, arm->name);
    }
    draft_mistake(draft, expect->line, "expect: no arm \"%s\"%s", side->arm, nearest_suggestion(&nearest).text);
}

static void check_requirement(struct draft *draft, const struct yaml *requires)
{
    struct requirement requirement;
    struct error unread = {0};
    const struct experiment *experiment = draft->experiment;
    if (!requires || requires->kind != YAML_TEXT || !requirement_parse(requires->text, draft->arena, &requirement, &unread))
        return;
    for (int i = 0; i < experiment->arm_count; i++)
        draft_metric_fits(draft, requires->line, requires->key, requirement.metric, &experiment->arms[i]);
}

// Called after the arms are made, which they are only where there was no mistake before.
void draft_check_claims(struct draft *draft, const struct yaml *root)
{
    const struct yaml *claims = yaml_find(root, "claims");
    for (const struct yaml *claim = claims ? claims->first : NULL; claim; claim = claim->next) {
        const struct yaml *expect = yaml_find(claim, "expect");
        struct expectation expectation;
        struct error unread = {0};
        if (!expect || expect->kind != YAML_TEXT || !expectation_parse(expect->text, draft->arena, &expectation, &unread))
            continue;
        check_side(draft, expect, &expectation.left);
        check_side(draft, expect, &expectation.right);
    }
    check_requirement(draft, yaml_find(root, "requires"));
}

void draft_requires(struct draft *draft, struct yaml *node)
{
    struct requirement requirement;
    struct error trouble = {0};
    if (!draft_is_kind(draft, node, YAML_TEXT))
        return;
    if (requirement_parse(node->text, draft->arena, &requirement, &trouble))
        draft_metric(draft, node->line, node->key, requirement.metric);
    else
        draft_carry(draft, node->line, "", &trouble);
}
