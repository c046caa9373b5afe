/** A small deterministic generator (mulberry32): the same seed gives the same damage. */
export function random(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return below => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const PIECES = [
  '<',
  '>',
  '</item>',
  '<item>',
  '&',
  '&amp;',
  '"',
  '\0',
  '\uFFFD',
  '<![CDATA[',
  '<!--',
  '<?xml?>',
  '<!DOCTYPE a>',
  '18446744073709551616',
  '-1',
  '{',
  '}',
  '\n',
  'FWP_EMPTY',
  '<numItems/>',
  ' numItems="9"',
  '💥',
  '{"',
  '\\u0000',
  '%%16384',
  '0x',
  ' - ',
];

/** Damages a text in one to four places: cut, doubled, swapped, flipped, something put in, digits changed. */
export function mutate(text: string, next: (below: number) => number): string {
  let result = text;
  for (let times = 1 + next(4); times > 0; times--) {
    const at = next(result.length + 1);
    const length = 1 + next(next(4) === 0 ? 2000 : 12);
    const piece = result.slice(at, at + length);
    switch (next(8)) {
      case 0:
        result = result.slice(0, at);
        break;
      case 1:
        result = result.slice(0, at) + result.slice(at + length);
        break;
      case 2:
        result = result.slice(0, at) + piece + result.slice(at);
        break;
      case 3: {
        const to = next(result.length + 1);
        result = result.slice(0, to) + piece + result.slice(to);
        break;
      }
      case 4:
        result = `${result.slice(0, at)}${String.fromCharCode(next(256))}${result.slice(at + 1)}`;
        break;
      case 5:
        result = result.slice(0, at) + PIECES[next(PIECES.length)] + result.slice(at);
        break;
      case 6:
        result =
          result.slice(0, at) + result.slice(at).replace(/\d+/, digits => String(next(10)).repeat(1 + next(digits.length + 20)));
        break;
      default:
        result = result.slice(0, at) + result.slice(at).replace(/[A-Za-z_]{4,}/, word => word.slice(0, next(word.length)));
    }
  }
  return result;
}
