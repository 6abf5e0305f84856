// Thread: main
/**
 * A stanza as people may see it in a log: its tags, types and namespaces stay; names, bodies, tokens and secrets become
 * their length.
 */
const shapeCharactersMax = 600;

export function shapeOf(stanza: string): string {
  return stanza
    .slice(0, shapeCharactersMax)
    .replace(/ ([\w:-]+)='([^']*)('|$)/g, (whole, name: string, value: string) =>
      name === 'type' || name === 'xmlns' || name === 'action' ? whole : ` ${name}='(${value.length})'`,
    )
    .replace(/>([^<]+)/g, (_, text: string) => `>(${text.length})`);
}
