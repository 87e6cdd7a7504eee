import { commands, help } from '../../../bin/main.ts'
import { appFlags } from '../../../bin/make-app.ts'
import { hashPasswordFlags, usage } from '../../../bin/commands/hash-password.ts'
import { newFlags } from '../../../bin/commands/new.ts'
import { serveFlags } from '../../../bin/commands/serve.ts'
import { placeFlags } from '../../../bin/place.ts'
import { createTable, type Row } from './table.ts'

/** The effects of flags of a subcommand, where the help says so within the line of its command. */
const explained: Readonly<Record<string, string>> = {
  from: 'the example to make a project of: all-five, chatbot, minimal or own-app; default minimal',
  ts: 'in TypeScript; default where this Node runs it',
  js: 'in JavaScript; default elsewhere',
  file: 'puts the line into this users file, in the place of the old one of the name',
  delete: "takes the name's line out of the file",
  verify: 'says whether a password is that of this hash: exit code 0, or 1',
  help: 'prints how it is used'
}

export function writeCommandPage (): string {
  const subcommands = Object.keys(commands).map((name): Row => [`\`${name}\``, describeCommand(name)])
  const start = Object.keys(serveFlags).map((name): Row => {
    return [`\`--${name}\``, findShort(serveFlags, name), listCommands(name), describeFlag(name)]
  })
  const own = [['new', newFlags], ['hash-password', hashPasswordFlags]] as const
  const others = own.flatMap(([command, flags]) => Object.keys(flags).map((name): Row => {
    return [`\`--${name}\``, findShort(flags, name), `\`${command}\``, explained[name]!]
  }))
  return `# The command

\`fastify-quickstart\` starts the server. A word before the flags makes it do something else.

${createTable(['word', 'what it does'], [['(none)', describeCommand('')], ...subcommands])}
## Flags

${createTable(['flag', 'short', 'of', 'what it does'], [...start, ...others])}
A switch takes \`true\` or \`false\`, and alone stands for \`true\`. \`--help\` and \`--version\` are answered wherever
they stand.

## The help

\`\`\`text
${help.trimEnd()}
\`\`\`

\`\`\`text
${usage.trimEnd()}
\`\`\`
`
}

/** The lines of the help about a command, as a sentence. */
function describeCommand (name: string): string {
  const lines = help.split('\n').slice(2)
  const first = lines.filter((line) => line.startsWith(`  fastify-quickstart ${name === '' ? '[' : `${name} `}`))
  if (first.length === 0) throw new Error(`the help does not have the command ${name}`)
  const texts = first.map((line) => {
    const rest = lines.slice(lines.indexOf(line) + 1)
    const more = rest.slice(0, rest.findIndex((next) => !/^ {10}/.test(next)))
    return [line.replace(/^ {2}\S.*? {2,}|^ {2}\S.*$/, ''), ...more.map((next) => next.trim())].join(' ').trim()
  })
  return texts.join('; ')
}

/** The lines of the help about a flag. */
function describeFlag (name: string): string {
  const [, text] = help.split('\nFlags\n')
  const entries = text!.split('\n\n', 1)[0]!.split(/\n(?= {2}-)/)
  const entry = entries.find((each) => new RegExp(`--${name}(?![\\w-])`).test(each))
  if (entry === undefined) throw new Error(`the help does not have the flag --${name}`)
  return entry.replace(/\s+/g, ' ').replace(/^ (?:-\w, )?(?:--\S+ (?:[A-Z]+ )?)+/, '')
}

function findShort (flags: Readonly<Record<string, object>>, name: string): string {
  const { short } = flags[name] as { short?: string }
  return short === undefined ? '' : `\`-${short}\``
}

/** The commands that take a flag of the server. */
function listCommands (name: string): string {
  const takers = [
    'a start',
    ...(name in appFlags ? ['`routes`'] : []),
    ...(name in appFlags || name in placeFlags ? ['`check`'] : []),
    '`dev`'
  ]
  return takers.join(', ')
}
