// Ends with 0 when tap is built as .taprc asks: without its TypeScript plugin, which loads a compiler in each file.
// Tap builds itself at its first run, but goes through that run with the plugin.
import { t } from 'tap'

process.exit(t.pluginSignature.includes('@tapjs/typescript') ? 1 : 0)
