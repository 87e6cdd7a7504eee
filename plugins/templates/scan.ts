/** A call in a template that names another file with a literal: `layout('./layout')`. */
export interface LiteralCall {
  call: 'layout' | 'include' | 'includeAsync' | 'asset'
  /** The literal, without its quotes. */
  name: string
  /** Where the call starts in the code. */
  index: number
}

/** A bracket with no partner. */
export interface StrayBracket {
  bracket: string
  /** Line of the code, from 1. */
  line: number
}

// Comments and strings come first, so that what only looks like a call or a bracket inside them is not taken for one.
const skipped = String.raw`\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\[\s\S]|[^'\\\n])*'|"(?:\\[\s\S]|[^"\\\n])*"`
const templateLiteral = '`(?:\\\\[\\s\\S]|\\$\\{(?:[^{}]|\\{[^{}]*\\})*\\}|[^`\\\\])*`'
const literalCall = String.raw`(?<![\w$.])(?:it\.)?(?<call>layout|include|includeAsync|asset)\s*\(\s*` +
  '(?:\'(?<single>[^\'\\\\\n]*)\'|"(?<double>[^"\\\\\n]*)"|`(?<back>[^`\\\\$]*)`)' + String.raw`\s*(?=[,)])`

const callOrSkipped = new RegExp(`${literalCall}|${skipped}|${templateLiteral}`, 'g')
const bracketOrSkipped = new RegExp(`[{}()[\\]]|${skipped}|${templateLiteral}`, 'g')

/** Lists the calls in a piece of JavaScript whose argument can be checked before anything runs. */
export function findLiteralCalls (code: string): LiteralCall[] {
  const calls: LiteralCall[] = []
  for (const match of code.matchAll(callOrSkipped)) {
    const { call, single, double, back } = match.groups!
    if (call !== undefined) {
      calls.push({ call: call as LiteralCall['call'], name: (single ?? double ?? back)!, index: match.index })
    } else if (match[0].startsWith('`')) {
      for (const hole of match[0].matchAll(/\$\{((?:[^{}]|\{[^{}]*\})*)\}/g)) {
        for (const inner of findLiteralCalls(hole[1]!)) calls.push({ ...inner, index: match.index + hole.index + 2 + inner.index })
      }
    }
  }
  return calls
}

/** Finds the first bracket that closes nothing or, where there is none, the innermost one that is never closed. */
export function findStrayBracket (code: string): StrayBracket | undefined {
  const closes: Record<string, string> = { '}': '{', ')': '(', ']': '[' }
  const open: StrayBracket[] = []
  for (const { 0: bracket, index } of code.matchAll(bracketOrSkipped)) {
    const found = { bracket, line: code.slice(0, index).split('\n').length }
    if ('{(['.includes(bracket)) open.push(found)
    else if (bracket in closes && open.pop()?.bracket !== closes[bracket]) return found
  }
  return open.at(-1)
}
