import { compileFunction } from 'node:vm'
import type { Eta } from 'eta'
import { type Part, parseTemplate, type Tag } from './parse.ts'
import { TemplateProblem } from '../engine/problem.ts'
import { type KnownCall, readScript } from './script.ts'
import { findStrayBracket, maskLiterals } from './tokens.ts'

/** A template's name, or (as in Eta) a function in the place of one. */
export type Target = string | ((it: object, options: object) => string | Promise<string>)

/** What a template's tags ask of the engine that runs it. `depth`: how many templates it is within. */
export interface TemplateCalls {
  include (target: Target, it: object, data: object | undefined, blocks: Blocks | undefined, depth: number): unknown
  includeAsync (
    target: Target, it: object, data: object | undefined, blocks: Blocks | undefined, depth: number
  ): Promise<unknown>
  layout (
    target: Target, it: object, data: object | undefined, body: string, blocks: Blocks | undefined, depth: number
  ): unknown
  import (specifier: string, options?: ImportCallOptions): Promise<unknown>
  /** Has a promise for a text caught, and refuses to be put out as text itself. */
  awaited (call: string, promise: Promise<unknown>): Promise<unknown>
}

/**
 * What a page hands to its layout: the block's name → its HTML. Not kept in the data, so that no data can put HTML
 * in.
 */
export type Blocks = Map<string, string>

/** A template as a function: data in, HTML out (or what a `return` of its own gives, as in Eta). */
export type RunTemplate = (
  it: object, calls: TemplateCalls, escape: (value: unknown) => string, blocks: Blocks | undefined, depth: number
) => unknown

/** A compiled template. */
export interface CompiledTemplate {
  run: RunTemplate
  /** It uses `await`, so `run` returns a promise. */
  isAsync: boolean
  /** The calls that can be checked before it runs; `line` is the template's. */
  calls: KnownCall[]
  /** The template's line for each line of the compiled code, to translate stack traces; 0 where there is none. */
  lines: number[]
}

/**
 * Compiles a template to a function.
 *
 * Eta parses, so the language is Eta's. The function is written here, because Eta's has three faults: it does not
 * know the line of an error, it takes blocks from the data, and it makes eight closures and copies the data twice for
 * each call.
 *
 * @param file its path, which stack traces then show
 * @throws TemplateProblem with file, line and reason
 */
export function compileTemplate (eta: Eta, file: string, source: string): CompiledTemplate {
  try {
    return compileParts(parseTemplate(eta, file, source), file, source)
  } catch (problem) {
    // Eta may have been misled by a quote in a comment or a regular expression.
    const masked = maskLiterals(source)
    if (masked === undefined) throw problem
    return compileParts(parseTemplate(eta, file, source, masked), file, source)
  }
}

function compileParts (parts: Part[], file: string, source: string): CompiledTemplate {
  const { code, lines } = writeBody(parts)
  const script = readScript(code)
  const calls = (script?.calls ?? []).map((call) => ({ ...call, line: lines[call.line - 1]! }))
  const isAsync = script?.isAsync ?? /\bawait\b/.test(code)
  const layoutLine = calls.findLast(({ call }) => call === 'layout')?.line ?? lines.at(-1)!

  const prelude = writePrelude(code) + (isAsync ? 'return (async () => {' : '')
  const compiled = `${prelude}
${redirectImports(code, script?.imports ?? [])}
if (__layout) return __calls.layout(__layout, it, __layoutData, __out, __own, __depth)
return __out${isAsync ? ' })()' : ''}`
  const allLines = [...prelude.split('\n').map(() => 0), ...lines, layoutLine, layoutLine]
  try {
    const names = ['it', '__calls', '__escape', '__blocks', '__depth']
    // With these parameters and by this code, which is why the cast is true.
    const run = compileFunction(compiled, names, { filename: file }) as RunTemplate
    return { run, isAsync, calls, lines: allLines }
  } catch (error) {
    const problem = error as SyntaxError // V8 throws no other when it compiles
    // It writes the place in the first line of the stack: `views/index.eta:12`.
    const line = Number(/:(\d+)\n/.exec(problem.stack!)![1])
    const tags = parts.filter((part) => typeof part !== 'string')
    throw syntaxProblem(problem, file, allLines[line - 1]!, source, tags)
  }
}

/** Writes one statement a part, and notes which of the template's lines each line of code comes from. */
function writeBody (parts: Part[]): { code: string, lines: number[] } {
  const statements: string[] = []
  const lines: number[] = []
  let line = 1
  for (const part of parts) {
    if (typeof part === 'string') {
      statements.push(`__out+='${part}';`)
      lines.push(line)
      continue
    }
    line = part.line
    const { kind, code } = part
    statements.push(kind === 'e' ? code : kind === 'i' ? `__out+=__escape(${code});` : `__out+=${code};`)
    for (let count = code.split('\n').length; count > 0; count--) lines.push(line++)
    line--
  }
  return { code: statements.join('\n'), lines: lines.length === 0 ? [1] : lines }
}

/** Code that `vm` compiles cannot import; the engine can. */
function redirectImports (code: string, imports: number[]): string {
  const backwards = imports.toSorted((a, b) => b - a)
  return backwards.reduce((code, start) => `${code.slice(0, start)}__calls.${code.slice(start)}`, code)
}

/** What a tag may call, as Eta documents it, and how it is made; made only for a template that mentions it. */
const provided: Record<string, string> = {
  include: 'function include (name, data) { return __calls.include(name, it, data, __blocks, __depth) }',
  includeAsync: 'function includeAsync (name, data) { return __calls.includeAsync(name, it, data, __blocks, __depth) }',
  layout: 'function layout (name, data) { __layout = name; __layoutData = data }',
  output: 'function output (text) { __out += text }',
  capture: `function capture (fn) {
    const outer = __out; __out = ''
    try { fn(); return __out } finally { __out = outer }
  }`,
  captureAsync: `function captureAsync (fn) {
    return __calls.awaited('captureAsync', (async () => {
      const outer = __out; __out = ''
      try { await fn(); return __out } finally { __out = outer }
    })())
  }`,
  block: `function block (name, fn) {
    if (!__layout) return __blocks?.get(String(name)) ?? (fn ? capture(fn) : '')
    if (fn) __own.set(String(name), capture(fn))
    return ''
  }`,
  blockAsync: `function blockAsync (name, fn) {
    return __calls.awaited('blockAsync', (async () => {
      if (!__layout) return __blocks?.get(String(name)) ?? (fn ? await captureAsync(fn) : '')
      if (fn) __own.set(String(name), await captureAsync(fn))
      return ''
    })())
  }`
}

const providedName = new RegExp(`\\b(?:${Object.keys(provided).join('|')})\\b`, 'g')

/** Makes what the body mentions. A name in a string counts as a mention, which costs little. */
function writePrelude (code: string): string {
  const mentioned = new Set(code.match(providedName))
  const hasBlocks = mentioned.has('block') || mentioned.has('blockAsync')
  if (mentioned.has('block')) mentioned.add('capture')
  if (mentioned.has('blockAsync')) mentioned.add('captureAsync')
  const own = hasBlocks ? 'new Map()' : 'undefined'
  const always = `let __out = '', __layout, __layoutData; const __own = ${own}`
  return [always, ...[...mentioned].map((name) => provided[name]), ''].join('\n')
}

/** Translates V8's error to the template's terms. */
function syntaxProblem (error: Error, file: string, line: number, source: string, tags: Tag[]): TemplateProblem {
  const comment = tags.find((tag) => tag.code.startsWith('#'))
  if (comment !== undefined) {
    return new TemplateProblem(file, comment.line, '"<%#" starts no comment in Eta; write <%/* … */%>', source, error)
  }
  // V8 reports a bracket left open at the very end; where it was opened is what helps.
  const stray = findStrayBracket(tags.map((tag) => tag.code).join('\n'))
  if (stray !== undefined) {
    const lines = tags.flatMap((tag) => tag.code.split('\n').map((_, index) => tag.line + index))
    const reason = `"${stray.bracket}" ${'{(${['.includes(stray.bracket) ? 'is never closed' : 'closes nothing'}`
    return new TemplateProblem(file, lines[stray.line - 1]!, reason, source, error)
  }
  const reason = error.message.includes('__out') ? 'the code in this tag is not complete' : error.message
  return new TemplateProblem(file, line, reason, source, error)
}
