import { readFileSync } from 'node:fs'

// The health check of the image. usage: node health-check.js [COMMAND-LINE]: exits with 0 if /healthz answers. The port
// is that of HTTP_PORT, of its file, or of the configuration file on the command line of process 1.
const [commandLine = '/proc/1/cmdline'] = process.argv.slice(2)
const { HTTP_PORT, HTTP_PORT_FILE } = process.env
const port = HTTP_PORT || (HTTP_PORT_FILE && readFileSync(HTTP_PORT_FILE, 'utf8').trim()) || portOfFile() || 8080
const { ok } = await fetch(`http://127.0.0.1:${port}/healthz`, { signal: AbortSignal.timeout(3000) })
process.exit(ok ? 0 : 1)

function portOfFile() {
  const [, file] = /\0(?:--config[=\0]|-c\0?)([^\0]+)/.exec(readFileSync(commandLine, 'utf8')) ?? []
  if (file === undefined) return undefined
  const [, port] = /^http:\s*(?:#.*\s+)*\{?\s*port:\s*["']?(\d+)/m.exec(readFileSync(file, 'utf8')) ?? []
  return port
}
