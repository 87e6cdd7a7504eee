import ts from 'typescript'

/** The same program without its types, with every other character where a reader expects it. */
export function toJavaScript (code: string): string {
  const file = ts.createSourceFile('example.ts', code, ts.ScriptTarget.ES2023, true)
  const cuts: { from: number, to: number, instead?: string }[] = []
  const cutType = (name: ts.Node, type: ts.Node | undefined) => type && cuts.push({ from: name.end, to: type.end })

  function visit (node: ts.Node): void {
    if (ts.isImportDeclaration(node)) return visitImport(node)
    if (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node) || ts.isModuleDeclaration(node)) {
      cuts.push({ from: node.getFullStart(), to: node.end })
    } else if (ts.isParameter(node) || ts.isVariableDeclaration(node)) {
      cutType(node.name, node.type)
    } else if (ts.isCallExpression(node) && node.typeArguments) {
      cuts.push({ from: node.expression.end, to: node.typeArguments.end + 1 })
    } else if (ts.isAsExpression(node) || ts.isNonNullExpression(node)) {
      cuts.push({ from: node.expression.end, to: node.end })
    }
    if (ts.isFunctionLike(node) && node.typeParameters) {
      cuts.push({ from: node.typeParameters.pos - 1, to: node.typeParameters.end + 1 })
    }
    ts.forEachChild(node, visit)
  }

  function visitImport (node: ts.ImportDeclaration): void {
    const { importClause: clause, moduleSpecifier: from } = node
    if (clause?.isTypeOnly) cuts.push({ from: node.getStart(), to: node.end + 1 })
    if (from.getText().startsWith("'.")) cuts.push({ from: from.end - 4, to: from.end - 1, instead: '.js' })
    if (clause?.namedBindings === undefined || !ts.isNamedImports(clause.namedBindings)) return
    const names = clause.namedBindings.elements.filter(({ isTypeOnly }) => !isTypeOnly).map((name) => name.getText())
    if (names.length === clause.namedBindings.elements.length) return
    const start = clause.name?.end ?? clause.namedBindings.getStart()
    const rest = names.length > 0 ? `{ ${names.join(', ')} }` : ''
    cuts.push({ from: start, to: clause.end, instead: rest && clause.name ? `, ${rest}` : rest })
  }

  visit(file)
  const outermost = cuts.filter(
    ({ from, to }) => !cuts.some((cut) => cut.from <= from && cut.to >= to && cut.to - cut.from > to - from)
  )
  return outermost.sort((a, b) => b.from - a.from)
    .reduce((text, { from, to, instead = '' }) => text.slice(0, from) + instead + text.slice(to), code)
}
