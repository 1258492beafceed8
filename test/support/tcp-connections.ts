import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** The number of established TCP connections of a process (Linux), by remote port. */
export function connectionsOf(pid: number): ReadonlyMap<number, number> {
  const own = new Set(readdirSync(`/proc/${pid}/fd`).flatMap((fd) => socketInode(`/proc/${pid}/fd/${fd}`)))
  const counts = new Map<number, number>()
  for (const family of ['tcp', 'tcp6']) {
    for (const row of readFileSync(`/proc/${pid}/net/${family}`, 'utf8').split('\n').slice(1)) {
      const [, , remote = '', state, , , , , , inode = ''] = row.trim().split(/\s+/)
      if (state !== ESTABLISHED || !own.has(inode)) continue
      const port = Number.parseInt(remote.slice(remote.lastIndexOf(':') + 1), 16)
      counts.set(port, (counts.get(port) ?? 0) + 1)
    }
  }
  return counts
}

const ESTABLISHED = '01'

function socketInode(link: string): string[] {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(link))?.slice(1) ?? []
  } catch {
    return [] // closed in the meantime
  }
}
