import { writeCommandPage } from './command.ts'
import { writeMetricsPage } from './metrics.ts'
import { writeOptionsPage } from './options.ts'
import { writeSettingsPage } from './settings.ts'

const origin = '\nThis page is made of the sources, by `npm run docs:reference`.\n'

/** Makes the pages that are made from the code, each with its file. */
export async function createReferencePages (): Promise<ReadonlyMap<string, string>> {
  const pages = {
    options: writeOptionsPage(),
    settings: writeSettingsPage(),
    command: writeCommandPage(),
    metrics: await writeMetricsPage()
  }
  return new Map(Object.entries(pages).map(([name, text]) => [`docs/reference/${name}.md`, text + origin]))
}
