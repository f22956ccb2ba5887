import Dispatch
import Domain
import Glibc

/// `file://` for accounts that read an export from disk. Our own and not libcurl's, which would block the loop on a pipe.
enum LocalFile {
    private static let chunkBytes = 1 << 20

    /// Answers 200, or 304 when `If-None-Match` holds the file's present `ETag` (size and time of change).
    static func read(_ address: WebAddress, _ request: HTTPRequest) async throws -> HTTPResponse {
        let path = try path(of: address)
        return try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(with: Result { try readNow(path, address.url, request) })
            }
        }
    }

    private static func path(of address: WebAddress) throws(TransportError) -> String {
        let encoded = address.url.dropFirst("file://".count).drop { $0 != "/" }
        var bytes: [UInt8] = []
        var rest = Array(encoded.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%"), rest.count >= 2,
                let decoded = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            else {
                bytes.append(byte)
                continue
            }
            bytes.append(decoded)
            rest.removeFirst(2)
        }
        guard !bytes.isEmpty, !bytes.contains(0) else { throw .invalid("\(address.redacted) names no file; write file:///path/of/file.") }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func readNow(_ path: String, _ url: String, _ request: HTTPRequest) throws -> HTTPResponse {
        func failed() -> TransportError { .file(path: path, reason: String(cString: strerror(errno)).lowercasedFirst) }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw failed() }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failed() }
        guard status.st_mode & S_IFMT == S_IFREG else { throw TransportError.file(path: path, reason: "it is not a regular file") }
        let etag = "\"\(status.st_size)-\(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)\""
        let wanted = request.headers.first { $0.0.lowercased() == "if-none-match" }?.1
        if wanted == etag { return HTTPResponse(status: 304, headers: [("ETag", etag)], body: [], url: url) }
        guard Int(status.st_size) <= request.sizeBytesMax else { throw TransportError.tooLarge(url: url, limitBytes: request.sizeBytesMax) }
        var body: [UInt8] = []
        body.reserveCapacity(Int(status.st_size))
        while true {
            let chunk = [UInt8](unsafeUninitializedCapacity: chunkBytes) { buffer, count in
                count = max(0, Glibc.read(descriptor, buffer.baseAddress, buffer.count))
            }
            if chunk.isEmpty { break }
            guard body.count + chunk.count <= request.sizeBytesMax else {
                throw TransportError.tooLarge(url: url, limitBytes: request.sizeBytesMax)
            }
            body += chunk
        }
        return HTTPResponse(status: 200, headers: [("ETag", etag)], body: body, url: url)
    }
}
