/** An element with what is in it, as found. Kept only until it is translated, or for good where nothing is known of it. */
export interface XmlNode {
  readonly name: string;
  /** Text of a leaf, exactly; of an element with children, trimmed. */
  text: string;
  readonly children: readonly XmlNode[];
  readonly line: number;
  /** Where its opening tag ends, counted from 1. */
  readonly column: number;
  /** Attributes as found; `numItems` is the only one that netsh writes. */
  readonly attributes?: Readonly<Record<string, string>> | undefined;
}

/** The first child of that name. */
export function child(node: XmlNode, name: string): XmlNode | undefined {
  for (const each of node.children) if (each.name === name) return each;
  return undefined;
}

/** Text of the first child of that name; empty when there is none. */
export const childText = (node: XmlNode, name: string): string => child(node, name)?.text ?? '';

/** The node as plain data for output: text, or an object of children; repeated names become lists. */
export function plain(node: XmlNode): unknown {
  if (node.children.length === 0) return node.text;
  const items = node.children.every(each => each.name === 'item');
  if (items) return node.children.map(plain);
  const result: Record<string, unknown> = Object.create(null);
  for (const each of node.children) {
    const value = plain(each);
    const before = result[each.name];
    if (before === undefined) result[each.name] = value;
    else if (Array.isArray(before)) before.push(value);
    else result[each.name] = [before, value];
  }
  return result;
}
