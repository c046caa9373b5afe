/**
 * Splits a command line as Windows' C runtime does for main(): quotes group, backslashes count only before a quote, the program's name
 * follows its own simpler rule. https://learn.microsoft.com/cpp/c-language/parsing-c-command-line-arguments
 */
export function splitCommandLine(line: string): string[] {
  const args: string[] = [];
  let at = 0;
  if (line[0] === '"') {
    const end = line.indexOf('"', 1);
    args.push(line.slice(1, end < 0 ? undefined : end));
    at = end < 0 ? line.length : end + 1;
  } else {
    const end = line.search(/[ \t]/);
    args.push(end < 0 ? line : line.slice(0, end));
    at = end < 0 ? line.length : end;
  }
  for (;;) {
    while (line[at] === ' ' || line[at] === '\t') at++;
    if (at >= line.length) return args;
    const [argument, next] = oneArgument(line, at);
    args.push(argument);
    at = next;
  }
}

function oneArgument(line: string, start: number): [string, number] {
  let at = start;
  let text = '';
  let quoted = false;
  while (at < line.length && (quoted || (line[at] !== ' ' && line[at] !== '\t'))) {
    let slashes = 0;
    while (line[at] === '\\') {
      slashes++;
      at++;
    }
    if (line[at] !== '"') {
      text += '\\'.repeat(slashes);
      if (slashes === 0) text += line[at++];
      continue;
    }
    text += '\\'.repeat(slashes >> 1);
    if (slashes % 2 === 1) {
      text += '"';
      at++;
    } else if (quoted && line[at + 1] === '"') {
      text += '"';
      at += 2;
    } else {
      quoted = !quoted;
      at++;
    }
  }
  return [text, at];
}
