import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join, relative } from 'node:path'
import { text } from 'node:stream/consumers'

/** One demo per folder. A socket file, because one whose process was killed refuses connections. */
export async function lockFolder(folder: string): Promise<{ close(): Promise<void> }> {
  // The path of a socket may have about 100 characters.
  const path = relative('.', join(folder, 'demo.sock'))
  const owner = await pidAt(path)
  if (owner !== undefined)
    throw new Error(`a demo is already running here (process ${owner}): stop it, or set DEMO_FOLDER to another folder`)
  rmSync(path, { force: true })
  const server = createServer((socket) => socket.end(String(process.pid)))
  await once(server.listen(path), 'listening')
  server.unref()
  return {
    close: async () => {
      server.close()
    },
  }
}

async function pidAt(path: string): Promise<string | undefined> {
  try {
    return await text(connect(path))
  } catch {
    return undefined
  }
}
