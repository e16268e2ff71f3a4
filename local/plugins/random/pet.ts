/** RandomPet: a name to remember, such as `quietly-golden-otter`. The name is the resource's id and its only output. */

import type { Bag } from "../bag.ts";
import { integerFailures, type Kind, numberOf, textOf } from "./kind.ts";
import { type ByteSource, pick, systemBytes } from "./source.ts";

const adverbs = words(`
  ably barely boldly briefly brightly calmly clearly closely deeply duly early easily fairly firmly freely fully gently
  gladly greatly highly humbly justly kindly largely lately lightly loudly mainly mildly mostly nearly neatly newly nicely
  openly partly plainly politely promptly purely quickly quietly rapidly rarely readily safely sharply shortly smoothly
  softly solely steadily strongly surely swiftly truly usually vastly warmly weekly wholly widely wildly wisely
`);

const adjectives = words(`
  able active agile alert amber ample apt awake blue bold brave bright brief calm careful cheerful clear clever close cool
  coral crisp curious daring deep direct eager early easy even fair fast fine firm fluent fond free fresh gentle glad golden
  grand great green happy hardy helpful honest humble ideal jolly keen kind large lasting light live logical loved loyal lucky
  major meet mellow merry mighty mild modern modest neat new nimble noble normal open patient plain polite prime proud pure
  quick quiet rapid rare ready regular rich robust sacred safe sharp shining silent simple sincere smart smooth solid sound
  steady still strong sunny sure sweet swift tender thorough tidy top true upright vast vital vivid warm welcome whole wise
`);

const animals = words(`
  albacore alpaca anteater antelope badger bat bear beaver bee bengal bison bobcat buck buffalo camel caribou cat cheetah
  chicken chipmunk cicada clam cobra cod collie condor cougar cow coyote crab crane cricket crow deer dingo dodo dog dolphin
  donkey dove dragon duck eagle eel egret elephant elk emu falcon fawn ferret finch firefly fish flounder fly fox frog gannet
  gazelle gecko gibbon giraffe gnat gnu goat goose gopher grouse gull hare hawk hedgehog hen heron herring hippo horse hound
  husky ibex iguana impala jackal jaguar jay kangaroo kite kitten kiwi koala lab lamb lark lemming lemur leopard lion lizard
  llama lobster lynx macaw magpie mammoth marlin marmot martin mastiff mink mole monkey moose moth mouse mule newt ocelot
  octopus opossum oriole oryx osprey ostrich otter owl ox oyster panda panther parrot peacock pelican penguin perch pheasant
  pig pigeon pika pony poodle porpoise puffin puma quagga quail rabbit raccoon ram raven reindeer rhino robin salmon satyr
  seal shark sheep shrew shrimp skylark sloth snail snake sparrow spider squid stag starling stork sturgeon sunbird swan
  swift tapir tarpon tern terrier tiger toad tortoise treefrog trout tuna turkey turtle viper vulture wallaby walrus warthog
  wasp weasel whale wolf wombat woodcock wren yak zebra
`);

/** One word is an animal, two have an adjective before it, and all that come before that are adverbs. */
export function petName(length: number, separator: string, bytes: ByteSource = systemBytes): string {
  const name = [pick(animals, bytes)];
  if (length > 1) name.unshift(pick(adjectives, bytes));
  while (name.length < length) name.unshift(pick(adverbs, bytes));
  return name.join(separator);
}

export const randomPet: Kind = {
  inputs: ["length", "prefix", "separator"],
  defaults: { length: 2, separator: "-" },
  results: [],
  secrets: [],
  check: (inputs: Bag) => integerFailures(inputs, "length", 1),
  create: (inputs: Bag) => {
    const separator = textOf(inputs, "separator");
    const name = petName(numberOf(inputs, "length"), separator);
    const prefix = textOf(inputs, "prefix");
    return { id: prefix === "" ? name : `${prefix}${separator}${name}`, results: {} };
  },
};

function words(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}
