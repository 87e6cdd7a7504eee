import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

export const root = resolve(import.meta.dirname, '..', '..')

/** A page of the documentation. */
export interface Page {
  /** Its path in the repository, such as `docs/auth.md`. */
  path: string
  text: string
  blocks: Block[]
}

/** A block of code in a page. */
export interface Block {
  /** Where it begins, such as `docs/auth.md:12`. */
  place: string
  /** The word after its opening fence, such as `ts`. */
  language: string
  /** The file that it is, or changes, in a project that the page makes step by step. */
  file?: string
  code: string
}

/** The README, the pages in docs/, and those of the examples. */
export function readPages (): Page[] {
  const docs = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)
  const examples = readdirSync(join(root, 'examples'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md') && !name.includes('node_modules')).map((name) => `examples/${name}`)
  return ['README.md', ...docs, ...examples].map((path) => {
    const text = readFileSync(join(root, path), 'utf8')
    return { path, text, blocks: blocksOf(path, text) }
  })
}

function blocksOf (path: string, text: string): Block[] {
  return [...text.matchAll(/^```(\w*)(?: (\S+))?[^\n]*\n(.*?)^```$/gms)].map(({ 1: language = '', 2: file, 3: code = '', index }) => ({
    place: `${path}:${text.slice(0, index).split('\n').length + 1}`,
    language,
    ...(file !== undefined && { file }),
    code
  }))
}

/**
 * What a program says that it prints: a comment behind a `console.log(…)`, or alone on the line below it.
 * Prose stays out with a line of its own elsewhere.
 */
export function promisedOutput (code: string): string[] {
  const lines = code.split('\n')
  return lines.flatMap((line, index) => {
    if (!/^\s*console\.log\(/.test(line)) return []
    const promised = /\) \/\/ (.+)$/.exec(line) ?? /^\/\/ (.+)$/.exec(lines[index + 1] ?? '')
    return promised?.[1] === undefined ? [] : [promised[1]]
  })
}
