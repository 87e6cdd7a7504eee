import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import t from 'tap'
import ts from 'typescript'
import { root } from './project.ts'

const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as
  { exports: Record<string, string | { types: string }> }
const entries = Object.values(exports).flatMap((entry) => typeof entry === 'string' ? [] : [join(root, entry.types)])
const program = ts.createProgram(entries, { module: ts.ModuleKind.NodeNext, skipLibCheck: true, types: ['node'] })
const checker = program.getTypeChecker()
const dist = join(root, 'dist')

/** The declarations of a symbol that are the package's own, an alias followed to what it stands for. */
function findOwn (symbol: ts.Symbol): { symbol: ts.Symbol, declarations: ts.Declaration[] } {
  const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
  const declarations = (target.declarations ?? []).filter((node) => node.getSourceFile().fileName.startsWith(dist))
  return { symbol: target, declarations }
}

function isDocumented (symbol: ts.Symbol): boolean {
  return ts.displayPartsToString(symbol.getDocumentationComment(checker)).trim() !== ''
}

/** The members that an editor shows after a dot, or among the options. */
function listMembers (declaration: ts.Declaration): ts.Symbol[] {
  const holdsMembers = ts.isInterfaceDeclaration(declaration) || ts.isTypeAliasDeclaration(declaration)
  return holdsMembers ? checker.getPropertiesOfType(checker.getTypeAtLocation(declaration)) : []
}

for (const entry of entries) {
  t.test(`${relative(dist, entry)}: an editor explains each export and its members`, async (t) => {
    const module = checker.getSymbolAtLocation(program.getSourceFile(entry)!) // made of this very file
    const exported = checker.getExportsOfModule(module!) // it has exports
    t.ok(exported.length > 0)
    for (const { symbol, declarations } of exported.map(findOwn)) {
      if (declarations.length === 0) continue // another package's
      t.ok(isDocumented(symbol), symbol.name)
      for (const member of declarations.flatMap(listMembers).map(findOwn)) {
        if (member.declarations.length === 0) continue
        t.ok(isDocumented(member.symbol), `${symbol.name}.${member.symbol.name}`)
      }
    }
  })
}

t.test('what the package adds to Fastify is explained too', async (t) => {
  const augmented = program.getSourceFiles().filter(({ fileName }) => fileName.startsWith(dist)).flatMap((file) => {
    return file.statements.filter(ts.isModuleDeclaration)
  })
  t.ok(augmented.length > 3)
  for (const { body } of augmented) {
    if (body === undefined || !ts.isModuleBlock(body)) continue
    for (const { name, members } of body.statements.filter(ts.isInterfaceDeclaration)) {
      for (const member of members) {
        if (member.name === undefined || !ts.isIdentifier(member.name)) continue // under a symbol, which no host has
        const symbol = checker.getSymbolAtLocation(member.name)
        if (symbol) t.ok(isDocumented(symbol), `${name.text}.${symbol.name}`)
      }
    }
  }
})
