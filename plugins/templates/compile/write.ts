import type { Part } from './parse.ts'
import type { ImportCall, Script } from './script.ts'

/** Code, and the template's line for each line of it; 0 where there is none. */
export interface Code {
  code: string
  lines: number[]
}

/** Where V8 and acorn begin a new line, in strings too. */
const lineEnd = /\r\n|[\n\r\u2028\u2029]/g

/** Writes one statement a part. */
export function writeBody (parts: Part[]): Code {
  const statements: string[] = []
  const lines: number[] = []
  let line = 1
  for (const part of parts) {
    if (typeof part !== 'string') line = part.line
    const statement = writeStatement(part)
    statements.push(statement)
    for (const [end] of statement.matchAll(lineEnd)) {
      lines.push(line)
      if (end.endsWith('\n')) line++
    }
    lines.push(line)
  }
  return { code: statements.join('\n'), lines: lines.length === 0 ? [1] : lines }
}

function writeStatement (part: Part): string {
  if (typeof part === 'string') return `__out+='${part}';`
  const { kind, code } = part
  if (kind === 'e') return code
  return kind === 'i' ? `__out+=__escape(${code});` : `__out+=${code};`
}

/**
 * Writes the function around a template's statements.
 *
 * The body of an async one is a function with a parameter `it`, so that a template may have a `var it`, as in Eta.
 */
export function writeFunction (body: Code, { isAsync, calls, imports }: Script): Code & { parameters: string[] } {
  const before = `${isAsync ? 'return (async (it) => {' : ''}${writePrelude(body.code)}`.split('\n')
  const after = [
    `if (__layout) __out = ${isAsync ? 'await ' : ''}__calls.layout(__layout, it, __layoutData, __out, __own, __depth)`,
    `return __out${isAsync ? '})(it)' : ''}`
  ]
  const layoutCall = calls.findLast(({ call }) => call === 'layout')
  const layoutLine = layoutCall === undefined ? body.lines.at(-1)! : body.lines[layoutCall.line - 1]!
  return {
    code: [...before, redirectImports(body, imports), ...after].join('\n'),
    lines: [...before.map(() => 0), ...body.lines, ...after.map(() => layoutLine)],
    parameters: ['it', '__calls', '__escape', '__blocks', '__depth']
  }
}

/** Has `import(…)` call the engine, and tell it the template's line. */
function redirectImports ({ code, lines }: Code, imports: ImportCall[]): string {
  let redirected = ''
  let copied = 0
  for (const { start, line } of imports.toSorted((a, b) => a.start - b.start)) {
    redirected += `${code.slice(copied, start)}__calls.importAt(${lines[line - 1]})`
    copied = start + 'import'.length
  }
  return redirected + code.slice(copied)
}

/** The functions that a tag may call, as Eta documents them. */
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
    return __calls.guardPromise('captureAsync', (async () => {
      const outer = __out; __out = ''
      try { await fn(); return __out } finally { __out = outer }
    })())
  }`,
  block: `function block (name, fn) {
    if (!__layout) return __blocks?.get(\`\${name}\`) ?? (fn ? capture(fn) : '')
    if (fn) __own.set(\`\${name}\`, capture(fn))
    return ''
  }`,
  blockAsync: `function blockAsync (name, fn) {
    return __calls.guardPromise('blockAsync', (async () => {
      if (!__layout) return __blocks?.get(\`\${name}\`) ?? (fn ? await captureAsync(fn) : '')
      if (fn) __own.set(\`\${name}\`, await captureAsync(fn))
      return ''
    })())
  }`
}

const names = Object.keys(provided)
const mention = new RegExp(`\\b(?:${names.join('|')})\\b`, 'g')

/**
 * Makes the functions that the code mentions. A name in a string counts as a mention, which costs little.
 *
 * It ends with a semicolon: the template's first line may begin with `(` or `[`, which would go on with the line above.
 * It reads no global: the template may have a `Map`, a `String` or even an `undefined` of its own.
 */
function writePrelude (code: string): string {
  const mentioned = new Set(/\beval\b/.test(code) ? names : code.match(mention))
  const hasBlocks = mentioned.has('block') || mentioned.has('blockAsync')
  if (mentioned.has('block')) mentioned.add('capture')
  if (mentioned.has('blockAsync')) mentioned.add('captureAsync')
  const variables = `let __out = '', __layout, __layoutData, __own${hasBlocks ? ' = __calls.createBlocks()' : ''};`
  return [variables, ...[...mentioned].map((name) => provided[name])].join('\n')
}
