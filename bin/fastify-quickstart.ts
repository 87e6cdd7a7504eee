#!/usr/bin/env node
import { main } from './main.ts'

const exitCode = await main(process.argv.slice(2))
// A start that failed is over, whatever it opened. A server that started goes on.
if (exitCode !== 0) process.exit(exitCode)
