import { readdirSync } from 'node:fs'
import createError from '@fastify/error'
import type { FastifyBaseLogger } from 'fastify'
import { type KnownCall, TemplateProblem } from './compile/compile.ts'
import { findCircles } from './engine/circles.ts'
import type { Template, ViewEngine } from './engine/engine.ts'
import type { PerRequest } from './views.ts'

const TemplatesInvalid = createError('FST_QUICKSTART_TEMPLATES_INVALID', '%s', 500)

/** A literal `asset('app.js')` in a template. */
export interface AssetCall {
  template: Template
  line: number
  name: string
}

/**
 * Compiles every template, and checks what they name with plain strings.
 *
 * @param index the view of the index route, where there is one
 * @returns the assets they name; whether those exist can be told when every plugin is loaded
 * @throws `FST_QUICKSTART_TEMPLATES_INVALID` with everything that is wrong
 */
export function checkTemplates (engine: ViewEngine, index: string | undefined): AssetCall[] {
  const problems = new Set<string>()
  const assets: AssetCall[] = []
  const load = (compile: () => Template | undefined): Template | 'missing' | 'broken' => {
    try {
      return compile() ?? 'missing'
    } catch (error) {
      problems.add((error as Error).message) // a TemplateProblem, or an error of the file system
      return 'broken'
    }
  }
  const { folders } = engine
  const where = folders.folders.join(' or ')

  for (const view of listViews(engine, problems)) load(() => engine.load(view))

  // Grows on the way: an include of another extension ('./logo.svg') is a template from then on.
  for (const template of engine.templates.values()) {
    for (const call of template.calls) {
      const reason = findFault(template, call)
      if (reason !== undefined) problems.add(describeProblem(template, call.line, reason))
    }
  }
  for (const { template, line, names } of findCircles(engine)) {
    problems.add(describeProblem(template, line, `a circle that never ends: ${names.join(' → ')}`))
  }
  if (index !== undefined && !engine.has(index)) {
    const has = [...engine.templates.keys()].join(', ') || 'none'
    problems.add(`option "index" names the view "${index}", and ${where} has no such view; it has ${has}`)
  }
  refuse([...problems])
  return assets

  function findFault (template: Template, { call, name, line, isUnawaited }: KnownCall): string | undefined {
    if (isUnawaited && call.endsWith('Async')) return `${call}(…) gives a promise: write await ${call}(…)`
    if (name === undefined || call === 'captureAsync' || call === 'blockAsync') return undefined
    if (call === 'asset') {
      assets.push({ template, line, name })
      return undefined
    }
    if (call === 'layout' && name === '') return undefined // Eta takes it for no layout
    const target = load(() => engine.loadLinked(template, name))
    if (target === 'missing') return `${call}('${name}') names no template under ${where}`
    if (target !== 'broken' && call === 'include' && target.isAsync) {
      return `include('${name}') is of a template that uses await: write await includeAsync('${name}')`
    }
    return undefined
  }
}

/**
 * Checks the assets that templates name, unless option `context` has an `asset` of its own. Where it is a function,
 * which may give pages one, a missing file is a warning.
 *
 * @param asset the static topic's: throws for a name that has no file
 * @throws `FST_QUICKSTART_TEMPLATES_INVALID` with everything that is wrong
 */
export function checkAssets (
  calls: AssetCall[], asset: (name: string) => string, context: PerRequest<object> = {}, log: FastifyBaseLogger
): void {
  if ('asset' in context) return
  const problems = calls.flatMap(({ template, line, name }) => {
    try {
      asset(name)
      return []
    } catch (error) {
      return [describeProblem(template, line, `asset('${name}'): ${(error as Error).message}`)] // MissingAsset
    }
  })
  if (typeof context !== 'function') return refuse(problems)
  for (const problem of problems) log.warn(`a page may fail: ${problem}`)
}

/** File names of other engines' templates, and of plain pages. */
const otherKinds = /\.(?:x?html?|ejs|eta|hbs|handlebars|j2|jinja2?|liquid|mustache|njk|pug|tmpl|tpl|twig)$/i

/** Lists the views. A root that holds only pages of another kind is a mistake. */
function listViews ({ folders }: ViewEngine, problems: Set<string>): string[] {
  try {
    const root = folders.folders[0]!
    const others = readdirSync(root).filter((name) => otherKinds.test(name))
    if (others.length > 0 && folders.list([root]).length === 0) {
      problems.add(`${root} has no template, only ${others.join(', ')}; ` +
        `templates are written in Eta (https://eta.js.org), in files whose names end with "${folders.extension}"`)
    }
    return folders.list()
  } catch (error) {
    problems.add(`a template cannot be read: ${(error as Error).message}`) // a system's error
    return []
  }
}

/** Throws `FST_QUICKSTART_TEMPLATES_INVALID`, if there are problems. */
export function refuse (problems: string[]): void {
  if (problems.length === 0) return
  const count = problems.length === 1 ? 'A template is' : `${problems.length} templates or calls in them are`
  throw new TemplatesInvalid(`${count} wrong\n\n${problems.join('\n\n')}\n`)
}

function describeProblem ({ file, source }: Template, line: number, reason: string): string {
  return new TemplateProblem(file, line, reason, source).message
}
