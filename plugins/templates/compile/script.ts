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

/** What has to be known about a template's code before it runs. */
export interface Script {
  /** It uses `await` itself, outside functions of its own. */
  isAsync: boolean
  calls: KnownCall[]
  /** Where each `import(…)` starts in the code. */
  imports: number[]
}

const known = new Set<string>(['layout', 'include', 'includeAsync', 'captureAsync', 'blockAsync', 'asset'])

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

/**
 * Reads a template's code, as written by `compileTemplate`.
 *
 * `await (x)` is an await, or a call of a function named await in code that is not async: what can be an await is one.
 *
 * @returns undefined where the code has a syntax error; V8 tells about that in better words
 */
export function readScript (code: string): Script | undefined {
  for (const allowAwaitOutsideFunction of [true, false]) {
    let program: Program
    try {
      program = parse(code, {
        ecmaVersion: 'latest', allowReturnOutsideFunction: true, allowAwaitOutsideFunction, locations: true
      })
    } catch {
      continue
    }
    return readProgram(program)
  }
  return undefined
}

function readProgram (program: Program): Script {
  const found: (KnownCall & { start: number })[] = []
  const imports: number[] = []
  const locals = new Set<string>()
  let isAsync = false
  let firstEnd = Infinity

  visit(program as AnyNode, true, true, false) // acorn's type of a program is wider than the union of its nodes
  // Where a template has a thing of that name of its own, nothing is said about its calls.
  const calls = found
    .filter(({ call }) => !locals.has(call === 'asset' && locals.has('it') ? 'it' : call))
    .map(({ start, ...call }) => ({ ...call, isCertain: call.isCertain && start < firstEnd }))
  return { isAsync, calls, imports }

  /**
   * @param isOwn it stands in no function of the template
   * @param isCertain it runs whenever the template does
   * @param isPutOut its value becomes text, or is dropped
   */
  function visit (node: AnyNode, isOwn: boolean, isCertain: boolean, isPutOut: boolean): void {
    switch (node.type) {
      case 'AwaitExpression':
        isAsync ||= isOwn
        break
      case 'ForOfStatement':
        isAsync ||= isOwn && node.await
        break
      case 'ReturnStatement':
      case 'ThrowStatement':
        firstEnd = Math.min(firstEnd, node.end)
        break
      case 'ImportExpression':
        imports.push(node.start)
        break
      case 'CallExpression': {
        const call = nameOfCall(node)
        if (call !== undefined) {
          found.push({
            call,
            name: textOf(node.arguments[0]),
            line: node.loc!.start.line,
            start: node.start,
            isCertain,
            isUnawaited: isPutOut
          })
        }
        break
      }
      case 'VariableDeclaration':
        isAsync ||= isOwn && node.kind === 'await using'
        break
      case 'VariableDeclarator':
        addNames(node.id)
        break
      case 'AssignmentExpression':
        addNames(node.left)
        break
      case 'CatchClause':
        if (node.param) addNames(node.param)
        break
      case 'FunctionDeclaration':
      case 'FunctionExpression':
      case 'ArrowFunctionExpression':
        if (node.id) addNames(node.id)
        node.params.forEach(addNames)
        isOwn = false
        break
      case 'ClassDeclaration':
      case 'ClassExpression':
        if (node.id) addNames(node.id)
        isOwn = false
        break
    }
    for (const [part, child] of partsOf(node)) {
      const isStraight = (straight.has(node.type) && !isLogicalAssignment(node)) || straightPart[node.type] === part
      visit(child, isOwn, isCertain && isStraight, putsOut(node, child, isPutOut))
    }
  }

  function addNames (pattern: Node): void {
    const node = pattern as AnyNode // acorn's types for patterns are among these
    if (node.type === 'Identifier') locals.add(node.name)
    else if (node.type === 'AssignmentPattern') addNames(node.left)
    else if (node.type === 'Property') addNames(node.value)
    else if (node.type !== 'MemberExpression') for (const [, child] of partsOf(node)) addNames(child)
  }
}

/** `include(…)`, or `it.asset(…)`. */
function nameOfCall ({ callee }: CallExpression): KnownCall['call'] | undefined {
  const name = callee.type === 'Identifier'
    ? callee.name
    : callee.type === 'MemberExpression' && callee.object.type === 'Identifier' && callee.object.name === 'it' &&
      callee.property.type === 'Identifier' && callee.property.name === 'asset' && !callee.computed && 'asset'
  return name !== false && known.has(name) ? name as KnownCall['call'] : undefined // the names in `known` are these
}

function isLogicalAssignment (node: AnyNode): boolean {
  return node.type === 'AssignmentExpression' && /^(?:&&|\|\||\?\?)=$/.test(node.operator)
}

function textOf (argument: AnyNode | undefined): string | undefined {
  if (argument?.type === 'Literal' && typeof argument.value === 'string') return argument.value
  if (argument?.type === 'TemplateLiteral' && argument.expressions.length === 0) {
    return argument.quasis[0]!.value.cooked!
  }
  return undefined
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
function * partsOf (node: AnyNode): Generator<[part: string, child: AnyNode]> {
  for (const [part, value] of Object.entries(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child?.type === 'string') yield [part, child]
    }
  }
}
