import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from './free-port.ts'
import { startProcess, untilServing } from './server-process.ts'

/** A registry for images and charts. */
export interface RegistryServer {
  /** `host:port`, over plain HTTP. */
  readonly address: string
  close(): Promise<void>
}

/** Starts an empty registry on a free loopback port. It never outlives this process. */
export async function startRegistry(): Promise<RegistryServer> {
  const directory = mkdtempSync(join(tmpdir(), 'registry-'))
  const address = `127.0.0.1:${await freePort()}`
  mkdirSync(join(directory, 'data'))
  const storage = { filesystem: { rootdirectory: join(directory, 'data') } }
  writeFileSync(join(directory, 'config.json'), JSON.stringify({ version: 0.1, storage, http: { addr: address } }))
  const command = fileURLToPath(new URL('../../../.cache/registry/docker-registry', import.meta.url))
  const logFile = join(directory, 'registry.log')
  const args = ['serve', join(directory, 'config.json')]
  const process = startProcess({ command, args, logFile, temporaryDirectory: directory })
  const close = async () => {
    await process.end('SIGKILL')
    rmSync(directory, { recursive: true, force: true })
  }
  try {
    await untilServing({ name: 'registry', process, logFile }, async () => {
      return (await fetch(`http://${address}/v2/`).catch(() => undefined))?.ok === true
    })
  } catch (error) {
    await close()
    throw error
  }
  return { address, close }
}
