/**
 * The weight a sublayer gets: the one asked for when it is free, else the next free higher one, else (nothing free above) the next lower.
 * That BFE keeps all weights apart is seen on every machine; how it chooses is documented nowhere.
 */
export function chooseSubLayerWeight(asked: number, taken: ReadonlySet<number>): number {
  for (let weight = asked; weight <= 0xffff; weight++) if (!taken.has(weight)) return weight;
  for (let weight = asked - 1; weight >= 0; weight--) if (!taken.has(weight)) return weight;
  return asked;
}
