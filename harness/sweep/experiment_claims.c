// experiment_claims.c: what a file expects of its arms: `requires:`, without which an arm does not count, and `claims:`.
//
// Both are judged by reports, from the stored text; here their shape is, and that claims name arms that are there. Called while an
// experiment file is read.
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
    struct expectation unread;
    struct error trouble = {0};
    if (draft_is_kind(draft, node, YAML_TEXT) && !expectation_parse(node->text, draft->arena, &unread, &trouble))
        draft_carry(draft, node->line, "", &trouble);
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

static void check_claim_arm(struct draft *draft, int line, const char *name)
{
    const struct experiment *experiment = draft->experiment;
    struct nearest nearest;
    nearest_open(&nearest, name);
    for (int i = 0; i < experiment->arm_count; i++) {
        if (!strcmp(experiment->arms[i].name, name))
            return;
        nearest_offer(&nearest, experiment->arms[i].name);
    }
    draft_mistake(draft, line, "expect: no arm \"%s\"%s", name, nearest_suggestion(&nearest).text);
}

// After the arms are made.
void draft_check_claims(struct draft *draft, const struct yaml *root)
{
    const struct yaml *claims = yaml_find(root, "claims");
    for (const struct yaml *claim = claims ? claims->first : NULL; claim; claim = claim->next) {
        const struct yaml *expect = yaml_find(claim, "expect");
        struct expectation expectation;
        struct error unread = {0};
        if (!expect || expect->kind != YAML_TEXT || !expectation_parse(expect->text, draft->arena, &expectation, &unread))
            continue;
        check_claim_arm(draft, expect->line, expectation.left.arm);
        if (expectation.right.metric)
            check_claim_arm(draft, expect->line, expectation.right.arm);
    }
}

void draft_requires(struct draft *draft, struct yaml *node)
{
    struct requirement unread;
    struct error trouble = {0};
    if (draft_is_kind(draft, node, YAML_TEXT) && !requirement_parse(node->text, draft->arena, &unread, &trouble))
        draft_carry(draft, node->line, "", &trouble);
}
