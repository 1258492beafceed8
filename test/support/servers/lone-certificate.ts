import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A self-signed certificate for 127.0.0.1 and its key, as PEM text. */
export interface LoneCertificate {
  readonly key: string
  readonly cert: string
  /** SHA-256, `AB:CD:…`. */
  readonly fingerprint: string
}

const CONFIG = `[ca]
default_ca = own
[own]
database = index.txt
serial = serial
new_certs_dir = .
default_md = sha256
policy = any
x509_extensions = server
[any]
commonName = supplied
[server]
subjectAltName = IP:127.0.0.1
basicConstraints = CA:TRUE
`

/** Creates a self-signed certificate that is valid between two days (`YYYYMMDD`). */
export function loneCertificate(from: string, to: string): LoneCertificate {
  const directory = mkdtempSync(join(tmpdir(), 'certificate-'))
  const openssl = (command: string) => execFileSync('openssl', command.split(' '), { cwd: directory, stdio: 'pipe' })
  try {
    writeFileSync(join(directory, 'ca.cnf'), CONFIG)
    writeFileSync(join(directory, 'index.txt'), '')
    openssl('req -newkey rsa:2048 -nodes -subj /CN=polaris -keyout key.pem -out request.pem')
    openssl(
      `ca -batch -selfsign -config ca.cnf -keyfile key.pem -in request.pem -out cert.pem -notext -rand_serial -startdate ${from}000000Z -enddate ${to}000000Z`,
    )
    const key = readFileSync(join(directory, 'key.pem'), 'utf8')
    const cert = readFileSync(join(directory, 'cert.pem'), 'utf8')
    return { key, cert, fingerprint: new X509Certificate(cert).fingerprint256 }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
