import { join, relative } from 'node:path'
import ts from 'typescript'
import { root } from '../pages.ts'
import { createTable, type Row } from './table.ts'

/** The modules that one imports, each with its source and the page about it. */
const entries = [
  ['fastify-quickstart', 'app.ts', '../deployment.md'],
  ['fastify-quickstart/hello', 'plugins/hello/index.ts', '../hello.md'],
  ['fastify-quickstart/static', 'plugins/static/index.ts', '../static.md'],
  ['fastify-quickstart/templates', 'plugins/templates/index.ts', '../templates.md'],
  ['fastify-quickstart/params', 'plugins/params/index.ts', '../params.md'],
  ['fastify-quickstart/auth', 'plugins/auth/index.ts', '../auth.md']
] as const

/** Reads every option out of the types that the package exports, with what their doc comments say. */
export function writeOptionsPage (): string {
  const program = createProgram()
  const checker = program.getTypeChecker()
  const sections = entries.map(([name, file, page]) => {
    const tables = listOptionTypes(checker, program.getSourceFile(join(root, file))!).map(({ title, type }) => {
      return `${title}\n\n${createTable(['option', 'type', 'what it does'], describeOptions(checker, type))}`
    })
    return `## ${name}\n\n[${page.slice(3, -3)}](${page}) has the examples.\n\n${tables.join('\n')}`
  })
  return `# Options

Every option of every plugin and function, as its type and doc comment have it. An option is not needed unless its row
begins with “Required”.

${sections.join('\n')}
## What they add to Fastify

${createTable(['name', 'type', 'what it is'], describeAdditions(program))}`
}

function createProgram (): ts.Program {
  const file = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
  const { options } = ts.convertCompilerOptionsFromJson(file.config.compilerOptions, root)
  const { tsBuildInfoFile, ...others } = options
  return ts.createProgram(entries.map(([, file]) => join(root, file)), { ...others, incremental: false })
}

interface OptionType {
  /** A line about whose options they are. */
  title: string
  type: ts.Type
}

/** The exported types of options: those of the plugin, then those of exported functions. */
function listOptionTypes (checker: ts.TypeChecker, source: ts.SourceFile): OptionType[] {
  const exported = checker.getExportsOfModule(checker.getSymbolAtLocation(source)!).map((symbol) => {
    return (symbol.flags & ts.SymbolFlags.Alias) !== 0 ? checker.getAliasedSymbol(symbol) : symbol
  })
  const types = [...new Set(exported)].filter(({ name }) => name.endsWith('Options'))
  const within = new Set(types.flatMap((symbol) => {
    return checker.getDeclaredTypeOfSymbol(symbol).getProperties().flatMap((option) => listParts(checker, option))
  }).map((part) => part.symbol))
  const found = types.filter((symbol) => !within.has(symbol)).map((symbol) => {
    const type = checker.getDeclaredTypeOfSymbol(symbol)
    const takers = exported.filter((taker) => takes(checker, taker, type)).map(({ name }) => `\`${name}\``).sort()
    return { title: `Of ${othersTakers[symbol.name] ?? (takers.join(', ') || 'the plugin')}:`, type }
  })
  return found.sort((one, other) => Number(other.title === ofPlugin) - Number(one.title === ofPlugin))
}

const ofPlugin = 'Of the plugin:'

/** Who takes options, where it is neither the plugin nor an exported function. */
const othersTakers: Readonly<Record<string, string>> = { UrlOptions: '`app.urlFor`' }

/** Whether a function, other than the plugin itself, takes these options. */
function takes (checker: ts.TypeChecker, symbol: ts.Symbol, options: ts.Type): boolean {
  const [declaration] = symbol.declarations ?? []
  if (declaration === undefined || !ts.isFunctionDeclaration(declaration)) return false
  return declaration.parameters.some(({ name, type }) => {
    return name.getText() === 'options' && type !== undefined && checker.getTypeFromTypeNode(type) === options
  })
}

function describeOptions (checker: ts.TypeChecker, type: ts.Type, prefix = ''): Row[] {
  return type.getProperties().flatMap((option) => {
    const name = prefix + option.name
    const isRequired = (option.flags & ts.SymbolFlags.Optional) === 0
    const text = readComment(checker, option) || describeTopic(option)
    const parts = listParts(checker, option)
    const need = isRequired && !text.includes('Required') ? 'Required. ' : ''
    const rows = parts.flatMap((part) => describeOptions(checker, part, `${name}.`))
    return [[`\`${name}\``, writeType(option, parts.length > 0), need + text] as const, ...rows]
  })
}

/** The types of an object of options within an option: those in which each has a doc comment. */
function listParts (checker: ts.TypeChecker, option: ts.Symbol): ts.Type[] {
  const type = checker.getNonNullableType(checker.getTypeOfSymbol(option))
  return (type.isUnion() ? type.types : [type]).filter((part) => {
    const all = part.getProperties()
    const own = all.filter(isOwn)
    const isCode = part.getCallSignatures().length > 0 || all.some(({ flags }) => (flags & ts.SymbolFlags.Method) !== 0)
    return !isCode && own.length > 0 && own.every((each) => readComment(checker, each) !== '')
  })
}

function isOwn ({ valueDeclaration }: ts.Symbol): boolean {
  if (valueDeclaration === undefined || !ts.isPropertySignature(valueDeclaration)) return false
  return !relative(root, valueDeclaration.getSourceFile().fileName).startsWith('node_modules')
}

/** The root app has an option for each topic, without a comment of its own. */
function describeTopic ({ name }: ts.Symbol): string {
  return 'Whether the topic is on; an object has it on with these options of ' +
    `[its plugin](#fastify-quickstart${name}). Default: \`QUICKSTART_${name.toUpperCase()}\`.`
}

function readComment (checker: ts.TypeChecker, symbol: ts.Symbol): string {
  return ts.displayPartsToString(symbol.getDocumentationComment(checker)).replace(/\n\n```[^]*?\n```/g, '')
}

/**
 * The type as the source writes it.
 *
 * @param hasRows whether the rows below tell what an object takes
 */
function writeType (option: ts.Symbol, hasRows: boolean): string {
  const declaration = option.valueDeclaration
  if (declaration === undefined || !('type' in declaration)) return '`boolean | object`'
  const text = (declaration.type as ts.TypeNode).getText().replace(/\s+/g, ' ')
  return `\`${hasRows ? text.replace(/\{.*\}/, 'object') : text}\``
}

/** Before the name of what is added, as one writes it. */
const owners: Readonly<Record<string, string>> = {
  FastifyInstance: 'app.', FastifyRequest: 'request.', FastifyReply: 'reply.', FastifyContextConfig: 'config.'
}

/** Everything that the sources add to the types of Fastify. */
function describeAdditions (program: ts.Program): Row[] {
  const checker = program.getTypeChecker()
  const ours = program.getSourceFiles().filter(({ fileName }) => {
    return /^(?:app\.ts$|app\/|plugins\/)/.test(relative(root, fileName))
  })
  const modules = ours.flatMap(({ statements }) => [...statements]).filter(ts.isModuleDeclaration)
  const added = modules.filter(({ name }) => name.text === 'fastify').flatMap(({ body }) => {
    return body !== undefined && ts.isModuleBlock(body) ? body.statements.filter(ts.isInterfaceDeclaration) : []
  })
  const rows = added.flatMap(({ name: owner, members }) => members.flatMap((member): Row[] => {
    const { name } = member
    if (name === undefined || !ts.isIdentifier(name)) return [] // a symbol is the plugin's own
    const type = ts.isPropertySignature(member) ? member.type!.getText() : member.getText().replace(/^\w+ ?/, '')
    const comment = readComment(checker, checker.getSymbolAtLocation(name)!)
    return [[`\`${owners[owner.text]}${name.text}\``, `\`${type.replace(/\s+/g, ' ')}\``, comment]]
  }))
  return rows.sort(([one], [other]) => one < other ? -1 : 1)
}
