import Crypto
import FoundationEssentials
import HTTPTypes
import Hummingbird

/// Style sheets, scripts and icons, held in memory. Their address contains a hash of the whole folder, so that browsers
/// may keep them for ever and modules that import one another always fit together.
struct StaticFiles: Sendable {
    static let sizeBytesMax = 4 << 20

    let version: String
    private let files: [String: (bytes: ByteBuffer, type: String)]

    private static let types = [
        "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml", "png": "image/png",
        "woff2": "font/woff2", "ico": "image/x-icon", "txt": "text/plain; charset=utf-8",
    ]

    /// Reads the files directly in `folder`; names without a type we know are left out.
    init(folder: String) throws {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else { throw ConsoleError.unreadable(path: folder) }
        var files: [String: (bytes: ByteBuffer, type: String)] = [:]
        var hash = SHA256()
        var total = 0
        for name in names.sorted() {
            guard let dot = name.lastIndex(of: "."), let type = Self.types[String(name[name.index(after: dot)...])] else { continue }
            guard let bytes = FileManager.default.contents(atPath: "\(folder)/\(name)") else {
                throw ConsoleError.unreadable(path: "\(folder)/\(name)")
            }
            total += bytes.count
            guard total <= Self.sizeBytesMax else { throw ConsoleError.staticsTooLarge(path: folder, sizeBytesMax: Self.sizeBytesMax) }
            hash.update(data: Array(name.utf8))
            hash.update(data: bytes)
            files[name] = (ByteBuffer(bytes: bytes), type)
        }
        version = String(hex(hash.finalize()).prefix(12))
        self.files = files
    }

    func url(_ name: String) -> String { "/static/\(version)/\(name)" }

    /// Only names that were read at the start exist; a path is never made from the request.
    func response(name: String, version asked: String, etag: String?) -> Response? {
        guard let file = files[name] else { return nil }
        let ours = "\"\(version)\""
        let caching = asked == version ? "public, max-age=31536000, immutable" : "no-cache"
        if etag == ours { return Response(status: .notModified, headers: [.eTag: ours, .cacheControl: caching]) }
        return Response(
            status: .ok, headers: [.contentType: file.type, .eTag: ours, .cacheControl: caching], body: ResponseBody(byteBuffer: file.bytes)
        )
    }
}

extension Site {
    @Sendable func staticFile(_ request: Request, _ visit: Visit) async throws -> Response {
        let name = visit.parameters.getCatchAll().joined(separator: "/")
        let version = visit.parameters.get("version") ?? ""
        guard let response = statics.response(name: name, version: version, etag: request.headers[.ifNoneMatch]) else {
            throw Refusal(.notFound, "404")
        }
        return response
    }
}

/// Lower-case hex.
func hex(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var out: [UInt8] = []
    for byte in bytes {
        out.append(digits[Int(byte >> 4)])
        out.append(digits[Int(byte & 15)])
    }
    return String(decoding: out, as: UTF8.self)
}

/// `count` random bytes of the operating system, in hex.
func randomHex(_ count: Int) -> String {
    var source = SystemRandomNumberGenerator()
    return hex((0..<count).map { _ in UInt8.random(in: 0...255, using: &source) })
}

/// SHA-256 of a text, in hex: what the store keeps of a session's token.
func sha256(_ text: String) -> String { hex(SHA256.hash(data: Array(text.utf8))) }

/// Compares in a time that depends on the lengths only.
func isSame(_ a: String, _ b: String) -> Bool {
    let (a, b) = (Array(a.utf8), Array(b.utf8))
    guard a.count == b.count else { return false }
    return zip(a, b).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
}
