import { type AnyNode, type CallExpression, type Node, parse, type Program } from 'acorn'

/** A call in a template of one of the functions below, by that name and not by a local one. */
export interface KnownCall {
  call: 'layout' | 'include' | 'includeAsync' | 'captureAsync' | 'blockAsync' | 'asset'
  /** Its first argument, where that is a plain string. */
  name: string | undefined
  /** Line of the code, from 1. */
  line: number
  /** It runs whenever the template does: no condition, loop, function or early end stands before it. */
  isCertain: boolean
  /** Its value is put out, or dropped, without `await`. */
  isUnawaited: boolean
}

/** An `import(…)` in a template. */
export interface ImportCall {
  /** Where it starts in the code. */
  start: number
  /** Line of the code, from 1. */
  line: number
}

/** All that has to be known about a template's code before it runs. */
export interface Script {
  /** It uses `await` itself, outside functions of its own. */
  isAsync: boolean
  calls: KnownCall[]
  imports: ImportCall[]
}

/**
 * Reads a template's code, as written by `writeBody`.
 *
 * `await (x)` is an await, or a call of a function named await in code that is not async: what can be an await is one.
 * Code with a syntax error has no calls here: V8 explains the error in better words.
 *
 * The semicolon stands for the statement that follows in the function: a template may end with `if (…)`.
 */
export function readScript (code: string): Script {
  for (const allowAwaitOutsideFunction of [true, false]) {
    let program: Program
    try {
      program = parse(`${code}\n;`, {
        ecmaVersion: 'latest', allowReturnOutsideFunction: true, allowAwaitOutsideFunction, locations: true
      })
    } catch {
      continue
    }
    return readProgram(program)
  }
  return { isAsync: /\bawait\b/.test(code), calls: [], imports: [] }
}

/** Where a node stands. */
interface Position {
  /** In no function of the template. */
  isOwn: boolean
  /** It runs whenever the template does. */
  isCertain: boolean
  /** Its value becomes text, or is dropped. */
  isPutOut: boolean
}

/** Found on the way through a program. */
interface Findings {
  isAsync: boolean
  calls: (KnownCall & { start: number })[]
  imports: ImportCall[]
  /** The names of the template's own variables, functions and parameters. */
  locals: Set<string>
  /** Where the first statement ends that may end the template. */
  firstEnd: number
}

function readProgram (program: Program): Script {
  const found: Findings = { isAsync: false, calls: [], imports: [], locals: new Set(), firstEnd: Infinity }
  const node = program as AnyNode // acorn's type of a program is wider than the union of its nodes
  visit(node, { isOwn: true, isCertain: true, isPutOut: false }, found)

  const { isAsync, imports, locals, firstEnd } = found
  // Where a template has a thing of that name of its own, nothing is said about its calls.
  const calls = found.calls
    .filter(({ call }) => !locals.has(call === 'asset' && locals.has('it') ? 'it' : call))
    .map(({ start, ...call }) => ({ ...call, isCertain: call.isCertain && start < firstEnd }))
  return { isAsync, calls, imports }
}

function visit (node: AnyNode, position: Position, found: Findings): void {
  noteFlow(node, position, found)
  noteCall(node, position, found)
  for (const name of listNames(node)) found.locals.add(name)

  for (const [part, child] of listParts(node)) {
    visit(child, {
      isOwn: position.isOwn && (part === 'key' || !functions.has(node.type)),
      isCertain: position.isCertain && alwaysRuns(node, part),
      isPutOut: putsOut(node, child, position.isPutOut)
    }, found)
  }
}

/** Nodes with an `await` or a `return` of their own. */
const functions = new Set([
  'FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression', 'PropertyDefinition', 'StaticBlock'
])

/** Notes where the template waits, and where it may end early. */
function noteFlow (node: AnyNode, { isOwn }: Position, found: Findings): void {
  switch (node.type) {
    case 'AwaitExpression':
      found.isAsync ||= isOwn
      break
    case 'ForOfStatement':
      found.isAsync ||= isOwn && node.await
      break
    case 'VariableDeclaration':
      found.isAsync ||= isOwn && node.kind === 'await using'
      break
    case 'ReturnStatement':
    case 'ThrowStatement':
      found.firstEnd = Math.min(found.firstEnd, node.end)
  }
}

function noteCall (node: AnyNode, { isCertain, isPutOut }: Position, found: Findings): void {
  const { start, loc } = node
  const { line } = loc!.start // acorn was asked for locations
  if (node.type === 'ImportExpression') found.imports.push({ start, line })
  if (node.type !== 'CallExpression') return
  const call = readCallName(node)
  if (call === undefined) return
  found.calls.push({ call, name: readText(node.arguments[0]), line, start, isCertain, isUnawaited: isPutOut })
}

const known = new Set<string>(['layout', 'include', 'includeAsync', 'captureAsync', 'blockAsync', 'asset'])

/** `include(…)`, or `it.asset(…)`. */
function readCallName ({ callee }: CallExpression): KnownCall['call'] | undefined {
  if (callee.type === 'Identifier' && known.has(callee.name)) {
    return callee.name as KnownCall['call'] // the names in `known` are these
  }
  const isAsset = callee.type === 'MemberExpression' && !callee.computed &&
    callee.object.type === 'Identifier' && callee.object.name === 'it' &&
    callee.property.type === 'Identifier' && callee.property.name === 'asset'
  return isAsset ? 'asset' : undefined
}

function readText (argument: AnyNode | undefined): string | undefined {
  if (argument?.type === 'Literal' && typeof argument.value === 'string') return argument.value
  if (argument?.type === 'TemplateLiteral' && argument.expressions.length === 0) {
    return argument.quasis[0]!.value.cooked!
  }
  return undefined
}

/** The names that a node declares or assigns. */
function listNames (node: AnyNode): string[] {
  switch (node.type) {
    case 'VariableDeclarator':
      return listNamesIn(node.id)
    case 'AssignmentExpression':
    case 'ForInStatement':
    case 'ForOfStatement':
      return listNamesIn(node.left)
    case 'CatchClause':
      return node.param ? listNamesIn(node.param) : []
    case 'FunctionDeclaration':
    case 'FunctionExpression':
    case 'ArrowFunctionExpression':
      return [...node.id ? listNamesIn(node.id) : [], ...node.params.flatMap(listNamesIn)]
    case 'ClassDeclaration':
    case 'ClassExpression':
      return node.id ? listNamesIn(node.id) : []
    default:
      return []
  }
}

function listNamesIn (pattern: Node): string[] {
  const node = pattern as AnyNode // acorn's types for patterns are among these
  switch (node.type) {
    case 'Identifier':
      return [node.name]
    case 'AssignmentPattern':
      return listNamesIn(node.left)
    case 'Property':
      return listNamesIn(node.value)
    case 'MemberExpression':
    case 'VariableDeclaration': // its declarators have names of their own
      return []
    default:
      return [...listParts(node)].flatMap(([, child]) => listNamesIn(child))
  }
}

/** Parts of these always run. */
const straight = new Set([
  'Program', 'ExpressionStatement', 'BlockStatement', 'VariableDeclaration', 'VariableDeclarator',
  'AssignmentExpression', 'CallExpression', 'AwaitExpression', 'BinaryExpression', 'UnaryExpression', 'TemplateLiteral',
  'SequenceExpression', 'ArrayExpression', 'ObjectExpression', 'Property', 'SpreadElement'
])

/** Of these, this part always runs. */
const straightPart: Record<string, string> = {
  IfStatement: 'test', ConditionalExpression: 'test', LogicalExpression: 'left', ReturnStatement: 'argument'
}

function alwaysRuns (node: AnyNode, part: string): boolean {
  const isLogicalAssignment = node.type === 'AssignmentExpression' && /^(?:&&|\|\||\?\?)=$/.test(node.operator)
  return (straight.has(node.type) && !isLogicalAssignment) || straightPart[node.type] === part
}

/** Whether the value of a part becomes text, or is dropped, there and then. */
function putsOut (node: AnyNode, child: AnyNode, isPutOut: boolean): boolean {
  switch (node.type) {
    case 'ExpressionStatement':
    case 'TemplateLiteral':
      return true
    case 'AssignmentExpression':
      return node.operator === '+=' && child === node.right
    case 'BinaryExpression':
      return node.operator === '+'
    case 'CallExpression':
      return node.callee.type === 'Identifier' && /^(?:__escape|output)$/.test(node.callee.name) &&
        child === node.arguments[0]
    case 'SequenceExpression':
      return isPutOut || child !== node.expressions.at(-1)
    case 'ConditionalExpression':
      return isPutOut && child !== node.test
    case 'LogicalExpression':
    case 'ChainExpression':
      return isPutOut
    default:
      return false
  }
}

/** The nodes directly within a node, each with the name of its part. */
function * listParts (node: AnyNode): Generator<[part: string, child: AnyNode]> {
  for (const [part, value] of Object.entries(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child?.type === 'string') yield [part, child]
    }
  }
}
