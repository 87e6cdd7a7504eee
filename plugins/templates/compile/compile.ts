import { compileFunction } from 'node:vm'
import { maskLiterals } from './literals.ts'
import { type Part, parseTemplate } from './parse.ts'
import { type KnownCall, readScript } from './script.ts'
import { explainSyntaxError } from './syntax-error.ts'
import { writeBody, writeFunction } from './write.ts'

export { locateError, rememberPlace } from './locate.ts'
export { TemplateProblem } from './problem.ts'
export type { KnownCall }

/** A template's name, or (as in Eta) a function in the place of one. */
export type Target = string | ((it: object, options: object) => string | Promise<string>)

/** The functions that a template's tags call, made by the engine. `depth`: how many templates it is within. */
export interface TagFunctions {
  include (target: Target, it: object, data: object | undefined, blocks: Blocks | undefined, depth: number): unknown
  includeAsync (
    target: Target, it: object, data: object | undefined, blocks: Blocks | undefined, depth: number
  ): Promise<unknown>
  layout (
    target: Target, it: object, data: object | undefined, body: string, blocks: Blocks | undefined, depth: number
  ): unknown
  createBlocks (): Blocks
  /** Gives `import()` for a line of the template, because code that `vm` compiles cannot import. */
  importAt (line: number): (specifier: string, options?: ImportCallOptions) => Promise<unknown>
  /** Catches a promise, and has it refuse to be put out as text. */
  guardPromise (call: string, promise: Promise<unknown>): Promise<unknown>
}

/**
 * The blocks that a page hands to its layout: name → HTML. Not kept in the data, so that no data can put HTML in.
 */
export type Blocks = Map<string, string>

/** A template as a function: data in, HTML out (or the value of a `return` of its own, as in Eta). */
export type RunTemplate = (
  it: object, functions: TagFunctions, escape: (value: unknown) => string, blocks: Blocks | undefined, depth: number
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
 * each call. docs/templates.md lists what differs.
 *
 * @param file its path, which stack traces then show
 * @throws TemplateProblem with file, line and reason
 */
export function compileTemplate (file: string, source: string): CompiledTemplate {
  try {
    return compileParts(parseTemplate(file, source), file, source)
  } catch (problem) {
    // Eta may have been misled by a quote in a comment or a regular expression.
    const masked = maskLiterals(source)
    if (masked === undefined) throw problem
    return compileParts(parseTemplate(file, source, masked), file, source)
  }
}

function compileParts (parts: Part[], file: string, source: string): CompiledTemplate {
  const body = writeBody(parts)
  const script = readScript(body.code)
  const { code, lines, parameters } = writeFunction(body, script)
  try {
    // With these parameters and by this code, which is why the cast is true.
    const run = compileFunction(code, parameters, { filename: file }) as RunTemplate
    const calls = script.calls.map((call) => ({ ...call, line: body.lines[call.line - 1]! }))
    return { run, isAsync: script.isAsync, calls, lines }
  } catch (error) {
    // V8 throws no other when it compiles.
    throw explainSyntaxError(error as SyntaxError, { parts, lines, file, source })
  }
}
