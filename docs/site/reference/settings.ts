import { settingsSchema } from '../../../app/settings/settings.ts'
import { createTable, type Row } from './table.ts'

/** The parts of a setting's schema that its row is made of. */
interface Setting {
  title: string
  description: string
  default?: unknown
}

/** Variables that other programs set too. */
const others: readonly Row[] = [
  ['`HOST`', 'The address to listen on', 'a name or an address of this machine', '`127.0.0.1`'],
  ['`PORT`', 'The port to listen on', 'a number from 0 to 65535, where 0 is any that is free', '`5001`'],
  ['`NODE_ENV`', 'Whether this is for the internet', '`production`, or anything else', 'development']
]

export function writeSettingsPage (): string {
  const rows = Object.entries(settingsSchema.properties).map(([name, schema]): Row => {
    const { title, description, default: preset } = schema as object as Setting // what its types do not show
    const [purpose = '', words] = title.split('. Default: ')
    return [`\`${name}\``, purpose, description, preset === undefined ? words ?? '' : `\`${String(preset)}\``]
  })
  return `# Settings

Every variable of the environment that the app reads. A file \`.env\` in the current folder may hold them too; the
environment wins over it, a flag over both, and an option in code over all three. A name that is not here, or a value
that does not fit, stops the start with a line that says so. [Deployment](../deployment.md) tells what they are good
for.

${createTable(['name', 'what it is for', 'what it takes', 'default'], [...rows, ...others])}`
}
