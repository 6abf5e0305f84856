// Thread: any
/**
 * Reading Huffman-coded strings (RFC 7541 §5.2, Appendix B), a byte at a time: for each inner node of the code tree and
 * each byte, one number tells which characters it ends (at most two, the shortest code has five bits) and which node
 * comes next. What is wrong with a string is gathered beside and looked at once, after its last byte.
 */
import { characterFlags, notInValue } from './hpack-characters.ts';
import { endOfString, huffmanBits } from './hpack-tables.ts';

// One step: two characters, then the next node, how many of the two count, and what is wrong.
const secondShift = 8;
const nodeShift = 16;
const countShift = 24;
/** One of the characters may not stand in the value of a field. */
const forbiddenFlag = 1 << 26;
/** The code of the end of the string, which may not be sent. */
const brokenFlag = 1 << 27;

const nodesMax = 256;

/** Children of the inner nodes: another node, or -1 - character. */
function codeTree(): Int16Array {
  const children = new Int16Array(nodesMax * 2);
  let nodes = 1;
  let code = 0;
  for (let bits = 5; bits <= 30; bits++) {
    code <<= 1;
    for (let character = 0; character <= endOfString; character++) {
      if (huffmanBits[character] !== bits) continue;
      let node = 0;
      for (let bit = bits - 1; bit > 0; bit--) {
        const side = node * 2 + ((code >>> bit) & 1);
        if (children[side] === 0) children[side] = nodes++;
        node = children[side] ?? 0;
      }
      children[node * 2 + (code & 1)] = -1 - character;
      code++;
    }
  }
  return children;
}

function step(children: Int16Array, from: number, byte: number): number {
  let node = from;
  let count = 0;
  let characters = 0;
  let flags = 0;
  for (let bit = 7; bit >= 0; bit--) {
    node = children[node * 2 + ((byte >>> bit) & 1)] ?? 0;
    if (node >= 0) continue;
    const character = -1 - node;
    if (character === endOfString) return brokenFlag;
    characters |= character << (count * secondShift);
    if (((characterFlags[character] ?? 0) & notInValue) !== 0) flags = forbiddenFlag;
    count++;
    node = 0;
  }
  return characters | (node << nodeShift) | (count << countShift) | flags;
}

function allSteps(children: Int16Array): Int32Array {
  const table = new Int32Array(nodesMax * 256);
  for (let node = 0; node < nodesMax; node++) {
    for (let byte = 0; byte < 256; byte++) table[node * 256 + byte] = step(children, node, byte);
  }
  return table;
}

/** Where a string may end: nothing is open, or up to seven bits, all ones. */
function endNodes(children: Int16Array): Uint8Array {
  const ends = new Uint8Array(nodesMax);
  let node = 0;
  for (let bits = 0; bits < 8; bits++) {
    ends[node] = 1;
    node = children[node * 2 + 1] ?? 0;
  }
  return ends;
}

const tree = codeTree();
const steps = allSteps(tree);
const ends = endNodes(tree);

/** Room for what this many coded bytes can become, and for two that are written and do not count. */
export function huffmanRoom(bytes: number): number {
  return Math.floor((bytes * 8) / 5) + 2;
}

export class HuffmanReader {
  /** The last string has a character that may not stand in the value of a field. */
  forbidden = false;

  /** Writes the characters of bytes [start, end) to `into`. How many; -1 if that is no Huffman-coded string. */
  read(bytes: Uint8Array, start: number, end: number, into: Uint8Array): number {
    let node = 0;
    let seen = 0;
    let to = 0;
    for (let from = start; from < end; from++) {
      const found = steps[(node << 8) | (bytes[from] ?? 0)] ?? 0;
      into[to] = found;
      into[to + 1] = found >>> secondShift;
      to += (found >>> countShift) & 3;
      node = (found >>> nodeShift) & 0xff;
      seen |= found;
    }
    this.forbidden = (seen & forbiddenFlag) !== 0;
    return (seen & brokenFlag) === 0 && ends[node] === 1 ? to : -1;
  }
}
