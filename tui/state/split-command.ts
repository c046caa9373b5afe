/**
 * Splits a command line into words as a shell would: blanks part words, quotes and backslashes keep them together. Nothing is expanded,
 * because no shell runs it. Returns a sentence when it can not be split.
 */
export function splitCommand(text: string): readonly string[] | string {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    if (quote) {
      if (char === quote) quote = undefined;
      else if (char === '\\' && quote === '"' && /["\\$`]/.test(text[i + 1] ?? '')) word += text[++i]!;
      else word += char;
    } else if (char === "'" || char === '"') {
      quote = char;
      word ??= '';
    } else if (char === '\\' && i + 1 < text.length) word = (word ?? '') + text[++i]!;
    else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + char;
  }
  if (quote) return `The quote ${quote} is never closed.`;
  if (word !== undefined) words.push(word);
  if (words.length === 0) return 'Type a command, for example: npm ci';
  if (words.some(part => /^[|<>&;]+$/.test(part))) return 'No shell runs this: for pipes write sh -c "…".';
  return words;
}
