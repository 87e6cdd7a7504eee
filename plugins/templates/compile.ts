import { compileFunction } from 'node:vm'
import { type Eta, EtaParseError } from 'eta'
import { TemplateProblem } from './problem.js'
import { findStrayBracket } from './scan.js'

/** What a template's tags ask of the engine that runs it. */
export interface TemplateCalls {
  include (name: string, data: object, blocks: Blocks | undefined): string
  includeAsync (name: string, data: object, blocks: Blocks | undefined): string | Promise<string>
  layout (name: string, it: object, layoutData: object | undefined, body: string, blocks: Blocks | undefined): string | Promise<string>
}

/** What a page hands to its layout: the block's name → its HTML. Kept apart from the data, so no data can put HTML in. */
export type Blocks = Map<string, string>

/** A template as a function: data in, HTML out. */
export type RunTemplate = (it: object, calls: TemplateCalls, escape: (value: unknown) => string, blocks: Blocks | undefined) => string | Promise<string>

/** A tag of a template, or (a string) the text between two. */
type Part = string | Tag

interface Tag {
  /** `=` puts out escaped, `~` raw, nothing runs code. */
  kind: 'e' | 'i' | 'r'
  code: string
  /** The template's line on which the code starts, from 1. */
  line: number
}

/** A compiled template. */
export interface CompiledTemplate {
  run: RunTemplate
  /** It uses `await`, so `run` returns a promise. */
  isAsync: boolean
  tags: Tag[]
  /** The template's line for each line of the compiled code, to translate stack traces; 0 where there is none. */
  lines: number[]
}

/**
 * Compiles a template to a function.
 *
 * Eta parses, so the language is Eta's; the function is put together here, because Eta's has three faults: it does not know the
 * line of an error, it takes blocks from the data, and it makes eight closures and copies the data twice for each call.
 *
 * @param file its path, which stack traces then show
 * @throws TemplateProblem with file, line and reason
 */
export function compileTemplate (eta: Eta, file: string, source: string): CompiledTemplate {
  const parts = parse(eta, file, source)
  const tags = parts.filter((part): part is Tag => typeof part !== 'string')
  const script = tags.map((tag) => tag.code).join('\n')
  try {
    try {
      return { ...assemble(parts, script, file, false), isAsync: false, tags }
    } catch (error) {
      if (!/\bawait\b/.test(script)) throw error
      return { ...assemble(parts, script, file, true), isAsync: true, tags }
    }
  } catch (error) {
    throw syntaxProblem(error as SyntaxError & { line: number }, file, source, tags)
  }
}

/** Writes the function, one statement a part, and notes which of the template's lines each of its lines comes from. */
function assemble (parts: Part[], script: string, file: string, isAsync: boolean): Pick<CompiledTemplate, 'run' | 'lines'> {
  const code: string[] = []
  const lines: number[] = []
  // What stands before the first part is of no line.
  let line = 0
  const emit = (statement: string): void => {
    for (const text of statement.split('\n')) {
      code.push(text)
      lines.push(line++)
    }
    line--
  }

  emit(prelude(script) + (isAsync ? 'return (async () => {' : ''))
  line = 1
  for (const part of parts) {
    if (typeof part === 'string') {
      emit(`__out+='${part}';`)
      continue
    }
    line = part.line
    if (part.kind === 'e') emit(part.code)
    else emit(`__out+=${part.kind === 'i' ? `__escape(${part.code})` : part.code};`)
  }
  if (/\blayout\b/.test(script)) emit('if (__layout) return __calls.layout(__layout, it, __layoutData, __out, __own);')
  emit(`return __out${isAsync ? '})()' : ''}`)

  try {
    const run = compileFunction(code.join('\n'), ['it', '__calls', '__escape', '__blocks'], { filename: file })
    return { run: run as RunTemplate, lines }
  } catch (error) {
    // V8 writes the place in the first line of the stack: `views/index.eta:12`.
    const compiledLine = Number(/:(\d+)\n/.exec((error as Error).stack!)![1])
    throw Object.assign(error as SyntaxError, { line: lines[compiledLine - 1]! })
  }
}

/**
 * What a tag may call, as Eta documents it, and how it is made; made only for a template that mentions it.
 * The copies of the data begin with a key of their own: V8 builds those five times as fast as what begins with a spread.
 */
const provided: Record<string, string> = {
  include: 'function include (name, data) { return __calls.include(name, { body: undefined, ...it, ...data }, __blocks) }',
  includeAsync: 'function includeAsync (name, data) { return __calls.includeAsync(name, { body: undefined, ...it, ...data }, __blocks) }',
  layout: 'let __layout, __layoutData; function layout (name, data) { __layout = name; __layoutData = data }',
  output: 'function output (text) { __out += text }',
  capture: "function capture (fn) { const outer = __out; __out = ''; try { fn(); return __out } finally { __out = outer } }",
  captureAsync: "async function captureAsync (fn) { const outer = __out; __out = ''; try { await fn(); return __out } finally { __out = outer } }",
  block: "function block (name, fn) { if (__layout) { if (fn) __own.set(name, capture(fn)); return '' } return __blocks?.get(name) ?? (fn ? capture(fn) : '') }",
  blockAsync: "async function blockAsync (name, fn) { if (__layout) { if (fn) __own.set(name, await captureAsync(fn)); return '' } return __blocks?.get(name) ?? (fn ? await captureAsync(fn) : '') }"
}

const providedName = new RegExp(`\\b(?:${Object.keys(provided).join('|')})\\b`, 'g')

function prelude (script: string): string {
  const used = new Set(script.match(providedName))
  const hasBlocks = used.has('block') || used.has('blockAsync')
  if (used.has('block')) used.add('capture')
  if (used.has('blockAsync')) used.add('captureAsync')
  if (hasBlocks) used.add('layout')
  return `let __out = ''; const __own = ${hasBlocks ? 'new Map()' : 'undefined'}; ` + [...used].map((name) => provided[name] + '; ').join('')
}

/** Has Eta parse the template, and finds the line of each tag, which Eta does not tell. */
function parse (eta: Eta, file: string, source: string): Part[] {
  let parsed
  try {
    parsed = eta.parse(source)
  } catch (error) {
    // Eta's message: `unclosed tag at line 3 col 5:` and an excerpt of its own.
    const [, reason, line] = /^(.*) at line (\d+)/.exec((error as EtaParseError).message)!
    throw new TemplateProblem(file, Number(line), reason!, source, error)
  }
  let cursor = 0
  let line = 1
  return parsed.map((part) => {
    if (typeof part === 'string') return part
    // Text holds no `<%`, so the next one opens this tag, and only blanks and its prefix stand before its code.
    const start = source.indexOf(part.val, source.indexOf('<%', cursor) + 2)
    line += newlines(source.slice(cursor, start))
    const tag = { kind: part.t as Tag['kind'], code: part.val, line }
    line += newlines(part.val)
    cursor = start + part.val.length
    return tag
  })
}

/** Says in the template's terms what V8 says of the compiled code. */
function syntaxProblem (error: SyntaxError & { line: number }, file: string, source: string, tags: Tag[]): TemplateProblem {
  const comment = tags.find((tag) => tag.code.startsWith('#'))
  if (comment !== undefined) {
    return new TemplateProblem(file, comment.line, '"<%#" starts no comment in Eta; write <%/* … */%>', source, error)
  }
  // Of a bracket left open V8 tells at the very end; where it was opened is what helps.
  const stray = findStrayBracket(tags.map((tag) => tag.code).join('\n'))
  if (stray !== undefined) {
    const lines = tags.flatMap((tag) => tag.code.split('\n').map((_, index) => tag.line + index))
    const reason = `"${stray.bracket}" ${'{(['.includes(stray.bracket) ? 'is never closed' : 'closes nothing'}`
    return new TemplateProblem(file, lines[stray.line - 1]!, reason, source, error)
  }
  const reason = error.message.includes('__out') ? 'the code in this tag is not complete' : error.message
  return new TemplateProblem(file, error.line, reason, source, error)
}

function newlines (text: string): number {
  let count = 0
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) count++
  return count
}
