// Runs scripts of package.json at the same time: `npm run check`. Each one's output comes in one piece when it ends.
import { spawn } from 'node:child_process'

const npm = process.env.npm_execpath
if (npm === undefined) throw new Error('npm runs this file: npm run check')

/**
 * @param {string} name
 * @returns {Promise<boolean>} whether it went well
 */
function run (name) {
  const script = spawn(process.execPath, [npm, 'run', '--silent', name], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [script.stdout, script.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => { output += text })
  }
  return new Promise((resolve) => {
    script.on('close', (code) => {
      process.stdout.write(`${code === 0 ? 'ok' : 'not ok'} - npm run ${name}\n${output}`)
      resolve(code === 0)
    })
  })
}

const results = await Promise.all(process.argv.slice(2).map(run))
if (results.includes(false)) process.exitCode = 1
