// grammar.h: what data=prose can say: word lists, roles, and rules. Read by compile.c alone.
//
// A rule's text holds literals and references in braces:
//   {SYMBOL}       one of the rules of that name
//   {LIST}         a word of a list, with the space before it; {LIST+s} its plural or third person; {LIST-a}, {LIST-an} only
//                  words that follow this article
//   {role=LIST}    the same, and the role keeps the word; {role} says it again, {^role} without the space, {role:he} as a
//                  pronoun; {role=other} says nothing and copies
//   > in front     nests: left out when much is still open, so that nesting ends
// Two rules of one symbol may not begin alike, a word is always followed by something that is no letter, and no rule is empty:
// then the bytes so far determine the state. A test reads texts back and finds any breach.
#ifndef PROSE_GRAMMAR_H
#define PROSE_GRAMMAR_H

// The word of rank r = 0, 1, ... has a weight of 1/(r + flatness), Zipf's law with a flattened head. With endings, every word
// goes with every ending: such names are too many to be learnt by heart and must be remembered from the text.
struct word_list {
    const char *name;
    int flatness;
    const char *words, *endings;
};
static const struct word_list lists[] = {
    // Women and men by turns: the place of the ending decides she or he.
    {"NAME", 400,
     "Ba Be Bi Bo Bu Da De Di Do Du Fa Fe Fi Fo Fu Ga Ge Gi Go Gu Ha He Hi Ho Hu Ja Je Ji Jo Ju Ka Ke Ki Ko Ku La Le Li Lo Lu "
     "Ma Me Mi Mo Mu Na Ne Ni No Nu Pa Pe Pi Po Pu Ra Re Ri Ro Ru Sa Se Si So Su Ta Te Ti To Tu Va Ve Vi Vo Vu Za Ze Zi Zo Zu",
     "na n la l ra r sa s ma m va th"},
    {"TOWN", 60, "Ash Bam Brad Cal Dun Elm Fal Graf Hart Ilk Kel Lud Mor Nor Oak Pem Rad Stan Thorn Wex",
     "ford by ton ham ley bury"},
    {"YEAR", 1000,
     "140 141 142 143 144 145 146 147 148 149 150 151 152 153 154 155 156 157 158 159 160 161 162 163 164 165 166 "
     "167 168 169 170 171 172 173 174 175 176 177 178 179 180 181",
     "0 1 2 3 4 5 6 7 8 9"},
    {"NUMBER", 40, "1 2 3 4 5 6 7 8 9", "0 1 2 3 4 5 6 7 8 9"},
    {"DATE", 60, "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28", NULL},
    {"PRICE", 400,
     "10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49",
     "0 1 2 3 4 5 6 7 8 9"},
    {"PERSON", 6,
     "miller girl king boy woman/women farmer man/men queen smith child/children baker monk widow thief/thieves "
     "soldier clerk maid judge tailor nun cook priest guard witch hunter fool prince giant piper sailor poet nurse "
     "doctor mason uncle aunt potter squire dwarf/dwarves beggar hermit carter cousin knight",
     NULL},
    {"ANIMAL", 6,
     "dog cat horse hen cow fox wolf/wolves crow goat bear mouse/mice pig owl donkey duck rat goose/geese hare bull "
     "frog swan ox/oxen lamb hawk bee mule snake hound calf/calves raven toad spider",
     NULL},
    {"THING", 8,
     "key box hat lamp coat knife/knives ring book rope cup letter coin basket sword drum bell chair spoon boot bowl "
     "candle cart fiddle bucket shoe clock cloak map axe cake purse mirror ladder pot egg saw flute shirt apple "
     "loaf/loaves net bag crown jug needle wheel pie hammer kettle pear bow bottle comb brush quilt saddle shield "
     "arrow cheese glove",
     NULL},
    {"PLACE", 6,
     "forest barn market village garden church river inn harbour castle kitchen field hill meadow tower valley cellar "
     "orchard stable lake cave square bridge palace well school road hall shop yard island mill chapel swamp attic "
     "court",
     NULL},
    {"TEMPER", 6,
     "old young poor kind proud wise lazy brave tall sad happy angry clever fat quiet rich foolish shy tired hungry "
     "cruel small gentle lame blind merry humble pale strong rude thin bold deaf sly grim calm busy idle vain weary",
     NULL},
    {"QUALITY", 6,
     "red old green blue new golden broken heavy white black little silver round big cheap long wooden dirty empty "
     "yellow fine thin strange small iron bright clean plain brown grey rusty pretty torn hollow short smooth painted "
     "sharp stolen warm",
     NULL},
    {"REST", 6,
     "sleep sing wait laugh work run dance pray smile weep listen wander rest walk shout whisper travel cough limp "
     "swim nod sneeze kneel tremble sigh grumble stumble frown yawn snore shiver blush groan boast stare gossip",
     NULL},
    {"HANDLE", 6,
     "carry keep find sell want buy lose mend hide need steal paint break clean drop make lift hold bring polish "
     "borrow throw fetch wash drag bury burn weigh pawn lend admire sharpen wrap draw measure pack return catch "
     "collect forget",
     NULL},
    {"MEET", 6,
     "help trust see follow love call fear know hate watch thank greet teach visit serve praise envy blame warn miss "
     "mock marry obey pity scold cheat comfort rob feed admit avoid invite insult ignore forgive annoy chase nurse "
     "tease pester",
     NULL},
    {"CLAIM", 3, "say think hope believe swear dream claim guess feel deny", NULL},
    {"MANNER", 4,
     "slowly quietly gladly again alone quickly today sadly softly here loudly early bravely often badly gently late "
     "proudly well calmly together politely rarely wildly",
     NULL},
    {"WHERE", 3, "in near behind at beyond by under above", NULL},
    {"DAY", 6, "morning evening night Sunday Monday afternoon Friday Tuesday winter summer spring autumn", NULL},
    {"MONTH", 12, "May June July March April August January October", NULL},
    {"SPEAK", 3, "say ask cry whisper mutter shout reply sigh laugh snap", NULL},
};

// Who and what a story has introduced. `focus` is whom "she" and "he" mean, `other` the other of the two at hand.
static const char *const roles[] = {"focus", "other", "hero",   "friend", "third", "rival",        "writer",
                                    "trade", "town",  "colour", "thing",  "asked", "asked_colour", "spare"};

static const struct {
    const char *name, *text[2]; // for women, for men
} pronouns[] = {
    {"he", {" she", " he"}},
    {"He", {"She", "He"}},
    {"his", {" her", " his"}},
    {"His", {"Her", "His"}},
};

struct rule {
    const char *symbol;
    int weight;
    const char *text;
};
static const struct rule rules[] = {
    // ---- A story: two who are named, then sections that come back to them, then its end.
    {"START", 50, "Once a{TEMPER-a}{trade=PERSON} called{hero=NAME} lives in{town=TOWN}.{focus=hero} {focus:He}{OWNS}"},
    {"START", 50, "In{YEAR} a{trade=PERSON-a} named{hero=NAME} comes to{town=TOWN}.{focus=hero} {^hero}{OWNS}"},
    {"OWNS", 40, " has a{colour=QUALITY-a}{thing=THING}. {MEETING}"},
    {"OWNS", 30, " finds a{colour=QUALITY-a}{thing=THING}{WHERE} the{PLACE}. {MEETING}"},
    {"OWNS", 30, " buys{NUMBER}{THING+s} and a{colour=QUALITY-a}{thing=THING}. {MEETING}"},
    {"MEETING", 60, "One{DAY}{friend=NAME} the{PERSON} comes to{town} with{third=NAME} and{rival=NAME}.{other=friend}{MORE}"},
    {"MEETING", 40, "{focus:His}{PERSON} is{friend=NAME}, and{third=NAME} and{rival=NAME} live nearby.{other=friend}{MORE}"},
    {"SECTION", 24, "\"{LINE}"},
    {"SECTION", 76, "{TOLD}"},
    {"TOLD", 16, "{^focus}{DOES}{MORE}"},
    {"TOLD", 24, "{^other}{spare=focus}{focus=other}{other=spare}{DOES}{MORE}"},
    {"TOLD", 9, "Next{DAY}{CLAUSE}{MORE}"},
    {"TOLD", 8, "In{town}{CLAUSE}{MORE}"},
    {"TOLD", 14, "On sale in{town}:{NUMBER}{GOODS} at{PRICE}{SALE}"},
    {"TOLD", 14,
     "From{focus},{DATE}{MONTH}{YEAR}:\nDear{other},\nI am in{TOWN} with{third=NAME} the{PERSON}.{writer=focus}{focus=third}"
     "{LETTER}"},
    {"TOLD", 12, "So{hero} the{trade} keeps the{colour}{thing}, and{friend} stays in{town}.\n\n"},

    {"MORE", 80, " {SENTENCE}{MORE}"},
    {"MORE", 20, "\n{SECTION}"},
    {"SALE", 82, ",{NUMBER}{GOODS} at{PRICE}{SALE}"},
    {"SALE", 18, " and the{colour}{thing} of{hero}.\n{SECTION}"},
    {"GOODS", 45, "{THING+s}"},
    {"GOODS", 40, "{QUALITY}{THING+s}"},
    {"GOODS", 15, "{ANIMAL+s}"},

    // ---- Letters: signed by the one who began them
    {"LETTER", 80, " {LETTER_SENTENCE}{LETTER}"},
    {"LETTER", 20, "\nYour{TEMPER}{PERSON},\n{^writer}{focus=writer}\n{SECTION}"},
    {"LETTER_SENTENCE", 30, "I{I_DO}"},
    {"LETTER_SENTENCE", 20, "The{SUBJECT}"},
    {"LETTER_SENTENCE", 12, "{focus:He}{DOES}"},
    {"LETTER_SENTENCE", 8, "{^focus}{DOES}"},
    {"LETTER_SENTENCE", 8, "Send me{ITEM_STOP}"},
    {"I_DO", 25, "{HANDLE}{ITEM_STOP}"},
    {"I_DO", 25, "{MEET}{SOMEONE_STOP}"},
    {"I_DO", 20, " am{STATE}"},
    {"I_DO", 15, "{REST}{REST_STOP}"},
    {"I_DO", 10, "{CLAIM} that{CLAUSE}"},

    // ---- Talk: the two speak by turns
    {"LINE", 20,
     "Where is my{asked_colour=QUALITY}{asked=THING}?\" asks{focus}.\n{spare=focus}{focus=other}{other=spare}"
     "\"{ANSWER}"},
    {"LINE", 30, "I{LINE_I}{SAID}"},
    {"LINE", 12, "You are{TEMPER},{other}{SAID}"},
    {"LINE", 10, "My{PERSON} is{TEMPER}{SAID}"},
    {"LINE", 10, "Tell the{PERSON+s} to{REST}{SAID}"},
    {"LINE", 10, "Good{DAY},{other}{SAID}"},
    {"LINE", 10, "Give me{ITEM}{SAID}"},
    {"LINE_I", 50, "{MEET}{SOMEONE}"},
    {"LINE_I", 50, " will{HANDLE}{ITEM}"},
    {"ANSWER", 50, "Your{asked_colour}{asked} is{WHERE} the{PLACE}{SAID}"},
    {"ANSWER", 30, "The{PERSON} has the{asked}{SAID}"},
    {"ANSWER", 20, "A{PERSON-a} took your{asked}{SAID}"},
    {"SAID", 1, ",\"{SPEAK+s}{focus}{SAID_STOP}"},
    {"SAID_STOP", 50, ".\n{spare=focus}{focus=other}{other=spare}{AFTER}"},
    {"SAID_STOP", 50, "{MANNER}.\n{spare=focus}{focus=other}{other=spare}{AFTER}"},
    {"AFTER", 50, "\"{LINE}"},
    {"AFTER", 50, "{TOLD}"},

    // ---- Sentences and clauses: a subject, and a verb of its number
    {"SENTENCE", 34, "The{SUBJECT}"},
    {"SENTENCE", 9, "A{SINGLE}"},
    {"SENTENCE", 3, "An{SINGLE_AN}"},
    {"SENTENCE", 5, "Every{EACH}"},
    {"SENTENCE", 4, "No{EACH}"},
    {"SENTENCE", 6, "Some{PLURAL}"},
    {"SENTENCE", 4, "Many{PLURAL}"},
    {"SENTENCE", 14, "{focus:He}{DOES}"},
    {"SENTENCE", 9, "{^focus}{DOES}"},
    {"SENTENCE", 7, "{^other}{DOES}"},
    {"SENTENCE", 6, "One{DAY}{CLAUSE}"},
    {"CLAUSE", 20, " the{SUBJECT}"},
    {"CLAUSE", 26, "{PLURAL}"},
    {"CLAUSE", 9, " a{SINGLE}"},
    {"CLAUSE", 3, " an{SINGLE_AN}"},
    {"CLAUSE", 5, " every{EACH}"},
    {"CLAUSE", 20, "{NUMBER}{PLURAL}"},
    {"CLAUSE", 5, " one{third=NAME}{DOES}"},
    {"CLAUSE", 14, "{focus:he}{DOES}"},
    {"CLAUSE", 9, "{other}{DOES}"},
    {"SUBJECT", 45, "{SUBJECT_NOUN}"},
    {"SUBJECT", 55, "{TEMPER}{SUBJECT_NOUN}"},
    {"SUBJECT_NOUN", 30, "{PERSON}{PERSON_DOES}"},
    {"SUBJECT_NOUN", 26, "{PERSON+s}{PERSONS_DO}"},
    {"SUBJECT_NOUN", 24, "{ANIMAL}{ANIMAL_DOES}"},
    {"SUBJECT_NOUN", 20, "{ANIMAL+s}{ANIMALS_DO}"},
    {"SINGLE", 30, "{PERSON-a}{PERSON_DOES}"},
    {"SINGLE", 30, "{ANIMAL-a}{ANIMAL_DOES}"},
    {"SINGLE", 40, "{TEMPER-a}{EACH}"},
    {"SINGLE_AN", 20, "{PERSON-an}{PERSON_DOES}"},
    {"SINGLE_AN", 30, "{ANIMAL-an}{ANIMAL_DOES}"},
    {"SINGLE_AN", 50, "{TEMPER-an}{EACH}"},
    {"EACH", 55, "{PERSON}{PERSON_DOES}"},
    {"EACH", 45, "{ANIMAL}{ANIMAL_DOES}"},
    {"PLURAL", 25, "{PERSON+s}{PERSONS_DO}"},
    {"PLURAL", 20, "{ANIMAL+s}{ANIMALS_DO}"},
    {"PLURAL", 55, "{TEMPER}{PLURAL_NOUN}"},
    {"PLURAL_NOUN", 50, "{PERSON+s}{PERSONS_DO}"},
    {"PLURAL_NOUN", 50, "{ANIMAL+s}{ANIMALS_DO}"},

    // ---- Between a subject and its verb: what the verb has to look back across
    {"PERSON_DOES", 74, "{DOES}"},
    {"PERSON_DOES", 10, "> whom{WHOM}{DOES}"},
    {"PERSON_DOES", 11, "> who{WHO_DOES}{DOES}"},
    {"PERSON_DOES", 6, " from{TOWN}{DOES}"},
    {"PERSONS_DO", 74, "{DO}"},
    {"PERSONS_DO", 10, "> whom{WHOM}{DO}"},
    {"PERSONS_DO", 11, "> who{WHO_DO}{DO}"},
    {"PERSONS_DO", 6, " from{TOWN}{DO}"},
    {"ANIMAL_DOES", 80, "{DOES}"},
    {"ANIMAL_DOES", 20, "> that{THAT_DOES}{DOES}"},
    {"ANIMALS_DO", 80, "{DO}"},
    {"ANIMALS_DO", 20, "> that{THAT_DO}{DO}"},
    {"WHO_DOES", 20, "{REST+s}"},
    {"WHO_DOES", 20, "{HANDLE+s}{ITEM}"},
    {"WHO_DOES", 15, "{MEET+s}{SOMEONE}"},
    {"WHO_DO", 20, "{REST}"},
    {"WHO_DO", 20, "{HANDLE}{ITEM}"},
    {"WHO_DO", 15, "{MEET}{SOMEONE}"},
    {"THAT_DOES", 60, "{WHO_DOES}"},
    {"THAT_DOES", 40, " the{WHOM_THE}"},
    {"THAT_DO", 60, "{WHO_DO}"},
    {"THAT_DO", 40, " the{WHOM_THE}"},
    {"WHOM", 80, " the{WHOM_THE}"},
    {"WHOM", 20, "{other}{MEET+s}"},
    {"WHOM_THE", 35, "{PERSON}{WHOM_DOES}"},
    {"WHOM_THE", 35, "{PERSON+s}{WHOM_DO}"},
    {"WHOM_THE", 15, "{ANIMAL}{MEET+s}"},
    {"WHOM_THE", 15, "{ANIMAL+s}{MEET}"},
    {"WHOM_DOES", 80, "{MEET+s}"},
    {"WHOM_DOES", 20, "> who{WHO_DOES}{MEET+s}"},
    {"WHOM_DO", 80, "{MEET}"},
    {"WHOM_DO", 20, "> who{WHO_DO}{MEET}"},

    // ---- Verbs and what they take, up to the end of the sentence
    {"DOES", 22, "{REST+s}{REST_STOP}"},
    {"DOES", 30, "{HANDLE+s}{ITEM_STOP}"},
    {"DOES", 24, "{MEET+s}{SOMEONE_STOP}"},
    {"DOES", 10, "{CLAIM+s} that{CLAUSE}"},
    {"DOES", 14, " is{STATE}"},
    {"DO", 22, "{REST}{REST_STOP}"},
    {"DO", 30, "{HANDLE}{ITEM_STOP}"},
    {"DO", 24, "{MEET}{SOMEONE_STOP}"},
    {"DO", 10, "{CLAIM} that{CLAUSE}"},
    {"DO", 14, " are{STATE}"},
    {"STATE", 50, "{TEMPER}{STOP}"},
    {"STATE", 20, " as{TEMPER} as a{ANIMAL-a}{STOP}"},
    {"STATE", 30, "{WHERE} the{PLACE}{PLACE_STOP}"},
    {"REST_STOP", 34, "{MANNER}{STOP}"},
    {"REST_STOP", 26, "{WHERE} the{PLACE}{PLACE_STOP}"},
    {"REST_STOP", 18, " with{ONE_NAMED}{STOP}"},
    {"REST_STOP", 26, "{STOP}"},
    {"PLACE_STOP", 60, "{STOP}"},
    {"PLACE_STOP", 40, " of{ONE_NAMED}{STOP}"},
    {"ONE_NAMED", 34, "{third}"},
    {"ONE_NAMED", 34, "{rival}"},
    {"ONE_NAMED", 16, "{friend}"},
    {"ONE_NAMED", 16, "{hero}"},
    {"ITEM", 30, " the{THE_ITEM}"},
    {"ITEM", 20, "{QUALITY}{THING+s}"},
    {"ITEM", 26, " a{A_ITEM}"},
    {"ITEM", 12, "{focus:his}{THE_ITEM}"},
    {"ITEM", 34, "{NUMBER}{THING+s}"},
    {"THE_ITEM", 35, "{THING}"},
    {"THE_ITEM", 20, "{THING+s}"},
    {"THE_ITEM", 45, "{QUALITY}{THING}"},
    {"A_ITEM", 50, "{THING-a}"},
    {"A_ITEM", 50, "{QUALITY-a}{THING}"},
    {"ITEM_STOP", 26, " the{THE_ITEM_STOP}"},
    {"ITEM_STOP", 16, "{QUALITY}{THING+s}{STOP}"},
    {"ITEM_STOP", 10, "{THING+s}{THING_STOP}"},
    {"ITEM_STOP", 20, " a{A_ITEM}{STOP}"},
    {"ITEM_STOP", 12, "{focus:his}{THE_ITEM}{STOP}"},
    {"ITEM_STOP", 34, "{NUMBER}{THING+s}{STOP}"},
    {"ITEM_STOP", 8, " that{colour}{thing}{STOP}"},
    {"THE_ITEM_STOP", 45, "{THING}{THING_STOP}"},
    {"THE_ITEM_STOP", 25, "{THING+s}{THING_STOP}"},
    {"THE_ITEM_STOP", 45, "{QUALITY}{THING}{STOP}"},
    {"THING_STOP", 66, "{STOP}"},
    {"THING_STOP", 16, "{WHERE} the{PLACE}{PLACE_STOP}"},
    {"THING_STOP", 18, " that the{WHICH_THE}{STOP}"},
    {"WHICH_THE", 50, "{PERSON}{WHICH_DOES}"},
    {"WHICH_THE", 50, "{PERSON+s}{WHICH_DO}"},
    {"WHICH_DOES", 85, "{HANDLE+s}"},
    {"WHICH_DOES", 15, "> who{WHO_DOES}{HANDLE+s}"},
    {"WHICH_DO", 85, "{HANDLE}"},
    {"WHICH_DO", 15, "> who{WHO_DO}{HANDLE}"},
    {"SOMEONE", 50, " the{THE_ONE}"},
    {"SOMEONE", 20, "{TEMPER}{PERSON+s}"},
    {"SOMEONE", 20, "{other}"},
    {"SOMEONE", 10, " every{PERSON}"},
    {"THE_ONE", 40, "{PERSON}"},
    {"THE_ONE", 20, "{PERSON+s}"},
    {"THE_ONE", 20, "{ANIMAL}"},
    {"THE_ONE", 20, "{TEMPER}{PERSON}"},
    {"SOMEONE_STOP", 38, " the{THE_ONE_STOP}"},
    {"SOMEONE_STOP", 30, "{THOSE_STOP}"},
    {"SOMEONE_STOP", 9, " one{third=NAME}{STOP}"},
    {"THOSE_STOP", 40, "{PERSON+s}{PERSONS_STOP}"},
    {"THOSE_STOP", 30, "{ANIMAL+s}{STOP}"},
    {"THOSE_STOP", 50, "{TEMPER}{PERSON+s}{STOP}"},
    {"SOMEONE_STOP", 18, "{other}{STOP}"},
    {"SOMEONE_STOP", 8, " every{PERSON}{STOP}"},
    {"SOMEONE_STOP", 10, " that{trade}{STOP}"},
    {"THE_ONE_STOP", 34, "{PERSON}{PERSON_STOP}"},
    {"THE_ONE_STOP", 22, "{PERSON+s}{PERSONS_STOP}"},
    {"THE_ONE_STOP", 24, "{ANIMAL+s}{STOP}"},
    {"THE_ONE_STOP", 36, "{TEMPER}{PERSON}{STOP}"},
    {"PERSON_STOP", 78, "{STOP}"},
    {"PERSON_STOP", 16, "> who{WHO_DOES}{STOP}"},
    {"PERSON_STOP", 6, " from{TOWN}{STOP}"},
    {"PERSONS_STOP", 80, "{STOP}"},
    {"PERSONS_STOP", 20, "> who{WHO_DO}{STOP}"},
    {"STOP", 70, "."},
    {"STOP", 3, "!"},
    {"STOP", 9, ", and{CLAUSE}"},
    {"STOP", 6, ", but{CLAUSE}"},
    {"STOP", 6, " as{CLAUSE}"},
    {"STOP", 5, " while{CLAUSE}"},
};

#endif
