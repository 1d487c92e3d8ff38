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
     "Al Ber Bra Car Con Dag Dor El Fen Fil Gal Ger Han Hil Is Jan Jor Kas Lin Lor Mar Mel Nor Ol Per Quin Ros Sel "
     "Tal Ur Val Wen Yor Zel",
     "a an ina or etta ric ella ulf ia o issa ard ena win"},
    {"TOWN", 60, "Ash Bam Brad Cal Dun Elm Fal Graf Hart Ilk Kel Lud Mor Nor Oak Pem Rad Stan Thorn Wex",
     "ford by ton ham ley bury"},
    {"YEAR", 1000,
     "140 141 142 143 144 145 146 147 148 149 150 151 152 153 154 155 156 157 158 159 160 161 162 163 164 165 166 "
     "167 168 169 170 171 172 173 174 175 176 177 178 179 180 181",
     "0 1 2 3 4 5 6 7 8 9"},
    {"NUMBER", 40, "1 2 3 4 5 6 7 8 9", "0 1 2 3 4 5 6 7 8 9"},
    {"PERSON", 20,
     "miller girl king boy woman/women farmer man/men queen smith child/children baker monk widow thief/thieves "
     "soldier clerk maid judge tailor nun cook priest guard witch hunter fool prince giant piper sailor poet nurse "
     "doctor mason uncle aunt potter squire dwarf/dwarves beggar hermit carter cousin knight page lord duke groom "
     "barber wizard abbot singer warden scout orphan usher envoy tramp spy vet boss heir earl clown crone bride twin "
     "rebel guest dyer rogue miner rider mayor cadet tutor lady bard tanner pupil pilot monarch elf/elves sage troll "
     "ogre ghost consul weaver pirate butler victim actor author editor umpire owner idiot enemy ally hero/heroes",
     NULL},
    {"ANIMAL", 20,
     "dog cat horse hen cow fox wolf/wolves crow goat bear mouse/mice pig owl donkey duck rat goose/geese hare bull "
     "frog swan ox/oxen lamb hawk bee mule snake hound calf/calves raven toad spider kitten dove wasp otter badger "
     "stag lark moth eagle lizard mole crab beetle wren seal bat ant ape asp cub eel elk emu ewe fly foal gnat gull "
     "jay kid lion lynx mink newt pony pup ram rook slug snail stork tick tiger viper whale worm yak zebra heron robin "
     "rabbit turtle parrot falcon magpie",
     NULL},
    {"THING", 30,
     "key box hat lamp coat knife/knives ring book rope cup letter coin basket sword drum bell chair spoon boot bowl "
     "candle cart fiddle bucket shoe clock cloak map axe cake purse mirror ladder pot egg saw flute shirt apple "
     "loaf/loaves net bag crown jug needle wheel pie hammer kettle pear bow bottle comb brush quilt saddle shield "
     "arrow cheese glove scarf/scarves spade anchor lock stone chest harp table melon fork oar flag jewel kite button "
     "toy doll pan plum broom chain rake horn torch raft cage sack turnip pillow cherry pearl mask sledge stool ribbon "
     "goblet cloth tub hook trunk plank scroll sickle nut shell rug trap onion carrot urn oven anvil ale awl bib bun "
     "cap cape cane cork dart desk dice dish disk fan fig gem gown gun hoe jar keg kilt lens lid lime log lute mat mop "
     "mug nail oil orb pail peg pen pew pin pipe plow quill rein robe rod rose salt seed sled soap sock sofa stick sun "
     "tent tile tray tube vase veil vest wand whip wig wire yarn zither abacus acorn album amulet apron atlas icon "
     "igloo olive organ oyster umbrella",
     NULL},
    {"PLACE", 15,
     "forest barn market village garden church river inn harbour castle kitchen field hill meadow tower valley cellar "
     "orchard stable lake cave square bridge palace well school road hall shop yard island mill chapel swamp attic "
     "court prison bakery tent moor beach quarry fair lane forge camp crypt den grove wood vault shed dale abbey alley "
     "arch bank bay bog cabin canal cliff coast cove crag creek dam desert ditch dock dune fen ferry fort gate glen "
     "gorge heath hut jail jetty ledge lodge marsh maze mine moat oasis park path pier pit pond port reef ridge ruin "
     "shore spring stream tomb town wall wharf",
     NULL},
    {"TEMPER", 20,
     "old young poor kind proud wise lazy brave tall sad happy angry clever fat quiet rich foolish shy tired hungry "
     "cruel small gentle lame blind merry humble pale strong rude thin bold deaf sly grim calm busy idle vain weary "
     "sick meek stern greedy noisy mad lonely jealous ragged eager ancient ill fit cold coy cross daft dear dull dumb "
     "fair fast fierce fond frail free glum good grave great hoarse holy hot icy keen late light loyal lucky mean mild "
     "moody neat nervous nice numb odd plump prim pure quick rash rough sane slim slow smart smug sober sore sour tame "
     "tense timid tiny ugly weak wet wild witty amiable anxious absent able awake upset unwell",
     NULL},
    {"QUALITY", 20,
     "red old green blue new golden broken heavy white black little silver round big cheap long wooden dirty empty "
     "yellow fine thin strange small iron bright clean plain brown grey rusty pretty torn hollow short smooth painted "
     "sharp stolen warm wet dusty purple dark narrow crooked lost costly rough odd sticky burnt cracked orange ugly "
     "ancient copper tin loose oval bent blunt bronze coarse cold cool cute damp deep dry dull faded fancy flat foul "
     "frail gold great hard hot huge large limp magic massive mouldy muddy neat nice pale pink precious rare raw ripe "
     "rotten sad salty shiny silk soft sour spare square steel stiff strong sweet tall thick tiny tough ivory oily "
     "urgent",
     NULL},
    {"REST", 20,
     "sleep sing wait laugh work run dance pray smile weep listen wander rest walk shout whisper travel cough limp "
     "swim nod sneeze kneel tremble sigh grumble stumble frown yawn snore shiver blush groan boast stare gossip hurry "
     "whistle starve bow hum march stammer fidget age bark beg bleed blink brag breathe cower crawl creep cringe "
     "crouch cry dawdle dine doze drift drown eat err exult faint fast fish float fly frolic gamble gasp giggle glow "
     "go growl grin grow hiccup hop howl idle itch jog joke jump kick leap lie linger loiter lurk moan mope mumble nap "
     "pause plod pout prowl quake rage reel roam roar rush scowl sit skate skip slip sob spit stay stir strut sulk "
     "sway sweat swoon tiptoe toil trot vanish wade wail waltz wheeze wilt wince wink",
     NULL},
    {"HANDLE", 20,
     "carry keep find sell want buy lose mend hide need steal paint break clean drop make lift hold bring polish "
     "borrow throw fetch wash drag bury burn weigh pawn lend admire sharpen wrap draw measure pack return catch "
     "collect forget guard juggle balance inspect trade offer empty repair examine unwrap adjust bake bend bite boil "
     "build chew chop count cover crack crush cut dig dip dry dye eye fill fix fold get gild give glue grab grease "
     "grind grip heat hoist hurl knit knot load lock lug mark mix nail obtain open order own peel pile pinch pocket "
     "press prize pull push rub save scrape scrub sew shake shape show sketch smash smell sniff soak spill split spoil "
     "squash stain store swap tear tie tilt toss touch tug turn twist use varnish wave wear weave win wipe wreck yank",
     NULL},
    {"MEET", 20,
     "help trust see follow love call fear know hate watch thank greet teach visit serve praise envy blame warn miss "
     "mock marry obey pity scold cheat comfort rob feed admit avoid invite insult ignore forgive annoy chase nurse "
     "tease pester copy doubt honour rescue flatter amuse accuse adore aid alarm ape arrest attack awe ban bless bore "
     "bribe bully charm cheer chide coach curse dare defy detest despise dread dupe elect excuse face fight fool free "
     "fund goad guide harm haunt heal hear hire hug hunt hurt irk jeer jilt join judge kill kiss lead leave like lure "
     "meet nag name oust outwit pay please poke punch race raise refuse rouse rule salute scare seek send shun sight "
     "snub soothe spite stop sue tail taunt tempt thwart tire trail trick upset urge vex woo",
     NULL},
    {"CLAIM", 4, "say think hope believe swear dream claim guess feel deny argue pretend complain notice agree", NULL},
    {"MANNER", 12,
     "slowly quietly gladly again alone quickly today sadly softly here loudly early bravely often badly gently late "
     "proudly well calmly together politely rarely wildly twice upstairs somewhere abroad now there daily nearby "
     "always gaily once meekly weekly grimly idly oddly hard fast apart aloud awhile ashore indoors madly kindly "
     "coldly warmly boldly below",
     NULL},
    {"WHERE", 4, "in near behind at beyond by under above past inside opposite over across around", NULL},
    {"DAY", 6, "morning evening night Sunday Monday afternoon Friday Tuesday winter summer spring autumn", NULL},
    {"MONTH", 12, "May June July March April August January October", NULL},
    {"SPEAK", 4, "say ask cry whisper mutter shout reply sigh laugh snap grunt joke add beg hiss lie", NULL},
};

// Who and what a story has introduced. `focus` is whom "she" and "he" mean, `other` the other of the two at hand.
static const char *const roles[] = {"focus", "other",  "hero",  "friend", "third",        "writer", "trade",
                                    "town",  "colour", "thing", "asked",  "asked_colour", "spare"};

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
    {"MEETING", 60, "One{DAY}{friend=NAME} the{PERSON} comes to{town}.{other=friend}{MORE}"},
    {"MEETING", 40, "{focus:His}{PERSON} is{friend=NAME}.{other=friend}{MORE}"},
    {"SECTION", 24, "\"{LINE}"},
    {"SECTION", 76, "{TOLD}"},
    {"TOLD", 16, "{^focus}{DOES}{MORE}"},
    {"TOLD", 24, "{^other}{spare=focus}{focus=other}{other=spare}{DOES}{MORE}"},
    {"TOLD", 9, "Next{DAY}{CLAUSE}{MORE}"},
    {"TOLD", 8, "In{town}{CLAUSE}{MORE}"},
    {"TOLD", 11, "For sale in{town}:{NUMBER}{GOODS}{SALE}"},
    {"TOLD", 14,
     "From{focus},{NUMBER}{MONTH}{YEAR}:\nDear{other},\nI am in{TOWN} with{third=NAME} the{PERSON}.{writer=focus}{focus=third}"
     "{LETTER}"},
    {"TOLD", 12, "So{hero} the{trade} keeps the{colour}{thing}, and{friend} stays in{town}.\n\n"},

    {"MORE", 80, " {SENTENCE}{MORE}"},
    {"MORE", 20, "\n{SECTION}"},
    {"SALE", 82, ",{NUMBER}{GOODS}{SALE}"},
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
    {"CLAUSE", 12, "{NUMBER}{PLURAL}"},
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
    {"STATE", 30, "{WHERE} the{PLACE}{STOP}"},
    {"REST_STOP", 34, "{MANNER}{STOP}"},
    {"REST_STOP", 26, "{WHERE} the{PLACE}{STOP}"},
    {"REST_STOP", 40, "{STOP}"},
    {"ITEM", 30, " the{THE_ITEM}"},
    {"ITEM", 20, "{QUALITY}{THING+s}"},
    {"ITEM", 26, " a{A_ITEM}"},
    {"ITEM", 12, "{focus:his}{THE_ITEM}"},
    {"ITEM", 22, "{NUMBER}{THING+s}"},
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
    {"ITEM_STOP", 20, "{NUMBER}{THING+s}{STOP}"},
    {"ITEM_STOP", 8, " that{colour}{thing}{STOP}"},
    {"THE_ITEM_STOP", 45, "{THING}{THING_STOP}"},
    {"THE_ITEM_STOP", 25, "{THING+s}{THING_STOP}"},
    {"THE_ITEM_STOP", 45, "{QUALITY}{THING}{STOP}"},
    {"THING_STOP", 66, "{STOP}"},
    {"THING_STOP", 16, "{WHERE} the{PLACE}{STOP}"},
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
