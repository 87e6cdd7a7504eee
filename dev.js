// `npm run dev`: compiles the TypeScript at each edit, and starts the server anew once it compiles. Views and public
// files need no restart. Flags go to the server: `npm run dev -- --auth=false`.
import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import ts from 'typescript'

rmSync('dist', { recursive: true, force: true })

/** @type {import('node:child_process').ChildProcess | undefined} */
let server
/** Whether a server shall be there once the present one is gone. */
let wanted = false
let hasListened = false

/** Starts the server, or stops the one there is, whose end starts the next. */
function restart () {
  wanted = true
  if (server === undefined) start()
  else server.kill('SIGTERM')
}

function start () {
  wanted = false
  const args = ['dist/bin/fastify-quickstart.js', '--reload', '--log-level', 'info', ...process.argv.slice(2)]
  server = spawn(process.execPath, args, { stdio: ['inherit', 'pipe', 'inherit'] })
  server.stdout?.on('data', (text) => {
    hasListened = true // it says where
    process.stdout.write(text)
  })
  server.on('exit', (code) => {
    server = undefined
    if (wanted) start()
    // What stops the first start is a setting or a flag, which no edit of TypeScript mends.
    else if (code === 0 || !hasListened) process.exit(code ?? 1)
    else console.log('The server has ended. It starts again when you edit a file.')
  })
}

const format = {
  getCanonicalFileName: (/** @type {string} */ name) => name,
  getCurrentDirectory: ts.sys.getCurrentDirectory,
  getNewLine: () => ts.sys.newLine
}

ts.createWatchProgram(ts.createWatchCompilerHost(
  'tsconfig.build.json',
  {},
  ts.sys,
  ts.createEmitAndSemanticDiagnosticsBuilderProgram,
  (diagnostic) => console.log(ts.formatDiagnosticsWithColorAndContext([diagnostic], format).trimEnd()),
  // Called for each state of the watch; the count of errors comes when a compilation is over.
  (diagnostic, newLine, options, errors) => {
    if (errors === 0) restart()
    else if (errors !== undefined && server !== undefined) console.log('The server goes on as it was.')
  }
))

// Ctrl-C reaches the whole group: the server stops by itself, and its end is the end of this process.
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    wanted = false
    if (server === undefined) process.exit(0)
    else server.kill('SIGTERM')
  })
}
