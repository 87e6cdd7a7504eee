import { relative } from 'node:path'
import createError from '@fastify/error'
import { EtaFileResolutionError } from 'eta'
import type { Template, ViewEngine } from './engine.js'
import { listTemplates } from './list.js'
import { TemplateProblem } from './problem.js'
import { findLiteralCalls } from './scan.js'

const TemplatesInvalid = createError('FST_QUICKSTART_TEMPLATES_INVALID', '%s', 500)

/** A literal `asset('app.js')` in a template. */
export interface AssetCall {
  template: Template
  line: number
  name: string
}

/**
 * Compiles every template under root, and checks what they name with literals.
 *
 * @param index the view of the index route, where there is one
 * @returns the assets they name; whether those exist can be told when every plugin is loaded
 * @throws `FST_QUICKSTART_TEMPLATES_INVALID` with all that is wrong
 */
export function checkTemplates (engine: ViewEngine, index: string | undefined): AssetCall[] {
  const problems = new Map<string, string>()
  const assets: AssetCall[] = []
  const report = ({ message }: Error): unknown => problems.set(message, message)
  const load = (compile: () => Template | undefined): Template | 'missing' | 'broken' => {
    try {
      return compile() ?? 'missing'
    } catch (error) {
      if (error instanceof EtaFileResolutionError) return 'missing'
      report(error as Error)
      return 'broken'
    }
  }

  for (const file of listTemplates(engine.root, engine.extension)) load(() => engine.load(file))

  // Grows on the way: an include of another extension ('./logo.svg') is a template from then on.
  for (const template of engine.templates.values()) {
    for (const { call, name, line } of callsOf(template)) {
      if (call === 'asset') {
        assets.push({ template, line, name })
        continue
      }
      const target = load(() => engine.linked(template, name))
      if (target === 'missing') {
        report(problemAt(template, line, `${call}('${name}') names no template under ${engine.root}`))
      } else if (target !== 'broken' && call === 'include' && target.isAsync) {
        report(problemAt(template, line, `include('${name}') is of a template that uses await: write await includeAsync('${name}')`))
      }
    }
  }
  if (index !== undefined && !engine.has(index)) {
    const views = [...engine.templates.keys()].map((file) => relative(engine.root, file))
    problems.set('index', `option "index" names the view "${index}", and ${engine.root} has no such view; it has ${views.join(', ') || 'none'}`)
  }
  refuse([...problems.values()])
  return assets
}

/**
 * Checks the assets that templates name.
 *
 * @param asset the static topic's: throws for a name that has no file
 * @throws `FST_QUICKSTART_TEMPLATES_INVALID` with all that is wrong
 */
export function checkAssets (calls: AssetCall[], asset: (name: string) => string): void {
  refuse(calls.flatMap(({ template, line, name }) => {
    try {
      asset(name)
      return []
    } catch (error) {
      return [problemAt(template, line, `asset('${name}'): ${(error as Error).message}`).message]
    }
  }))
}

function refuse (problems: string[]): void {
  if (problems.length === 0) return
  const count = problems.length === 1 ? 'A template is' : `${problems.length} templates or calls in them are`
  throw new TemplatesInvalid(`${count} wrong\n\n${problems.join('\n\n')}\n`)
}

function callsOf (template: Template) {
  return template.tags.flatMap(({ code, line }) => findLiteralCalls(code).map(({ call, name, index }) =>
    ({ call, name, line: line + code.slice(0, index).split('\n').length - 1 })))
}

function problemAt ({ file, source }: Template, line: number, reason: string): TemplateProblem {
  return new TemplateProblem(file, line, reason, source)
}
