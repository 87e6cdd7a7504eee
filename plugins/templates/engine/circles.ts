import type { Template, ViewEngine } from './engine.ts'

/** Templates that render each other without end. */
export interface Circle {
  /** The template and line of the call that closes the circle. */
  template: Template
  line: number
  /** The names of its templates, the first one again at the end. */
  names: string[]
}

/**
 * Finds the circles of `include` and `layout` that are certain: each call names its template with a plain string and
 * always runs. A call under a condition may end, as a tree of comments does; the depth limit ends the others.
 */
export function findCircles (engine: ViewEngine): Circle[] {
  const circles: Circle[] = []
  const done = new Set<Template>()

  function follow (template: Template, above: Template[]): void {
    if (done.has(template)) return
    const path = [...above, template]
    for (const { line, target } of listCertainCalls(engine, template)) {
      const from = path.indexOf(target)
      if (from === -1) follow(target, path)
      else circles.push({ template, line, names: [...path.slice(from), target].map(({ name }) => name) })
    }
    done.add(template)
  }

  for (const template of engine.templates.values()) follow(template, [])
  return circles
}

function listCertainCalls (engine: ViewEngine, template: Template): { line: number, target: Template }[] {
  const layouts = template.calls.filter(({ call }) => call === 'layout')
  return template.calls.flatMap(({ call, name, line, isCertain }) => {
    const names = call === 'include' || call === 'includeAsync' || (call === 'layout' && layouts.length === 1)
    if (!isCertain || name === undefined || !names) return []
    const target = engine.templates.get(engine.folders.resolveReference(name, template.name))
    return target === undefined ? [] : [{ line, target }]
  })
}
