import Domain
import Formats
import FoundationEssentials
import HTTPTypes
import Hummingbird

/// What a form sent, in its order: urlencoded, multipart or a JSON object.
struct Fields: Sendable, Equatable {
    static let countMax = 200
    static let nameBytesMax = 200

    var pairs: [Pair] = []
    /// What multipart carried with a file name; a field left empty is none.
    var files: [File] = []

    struct Pair: Sendable, Equatable {
        var name: String
        var value: String
    }

    struct File: Sendable, Equatable {
        var field: String
        /// Without the folders some programs send along.
        var name: String
        var type: String
        var bytes: [UInt8]
    }

    /// The first field of that name.
    subscript(name: String) -> String? { pairs.first { $0.name == name }?.value }

    /// - Throws: `Refusal` 413 when it is too big, 415 for another content type, 400 when it cannot be read.
    static func read(_ request: Request, sizeBytesMax: Int) async throws -> Fields {
        let bytes = try await bytes(request, sizeBytesMax: sizeBytesMax)
        return try parse(bytes, contentType: request.headers[.contentType] ?? "application/x-www-form-urlencoded")
    }

    /// - Throws: `Refusal` 413 when it is too big.
    static func bytes(_ request: Request, sizeBytesMax: Int) async throws -> [UInt8] {
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > sizeBytesMax {
            throw Refusal(.contentTooLarge, "413")
        }
        var bytes: [UInt8] = []
        for try await buffer in request.body {
            guard bytes.count + buffer.readableBytes <= sizeBytesMax else { throw Refusal(.contentTooLarge, "413") }
            bytes += Array(buffer: buffer)
        }
        return bytes
    }

    static func parse(_ bytes: [UInt8], contentType: String) throws -> Fields {
        let type = (contentType.split(separator: ";").first ?? "").trimmed.lowercased()
        let fields: Fields
        switch type {
        case "application/x-www-form-urlencoded": fields = urlencoded(bytes)
        case "multipart/form-data":
            guard let boundary = parameter("boundary", of: contentType), !boundary.isEmpty, boundary.utf8.count <= 200 else {
                throw Refusal(.badRequest, "400")
            }
            fields = multipart(bytes, boundary: Array(boundary.utf8))
        case "application/json": fields = try json(bytes)
        default: throw Refusal(.unsupportedMediaType, "415")
        }
        guard fields.pairs.count + fields.files.count <= countMax, fields.pairs.allSatisfy({ $0.name.utf8.count <= nameBytesMax }) else {
            throw Refusal(.contentTooLarge, "413")
        }
        return fields
    }

    /// `a=1&b=two+words`; broken escapes stay as they are.
    static func urlencoded(_ bytes: [UInt8]) -> Fields {
        var fields = Fields()
        for part in bytes.split(separator: UInt8(ascii: "&"), maxSplits: countMax) where !part.isEmpty {
            let equals = part.firstIndex(of: UInt8(ascii: "=")) ?? part.endIndex
            let value = equals < part.endIndex ? part[(equals + 1)...] : []
            fields.pairs.append(Pair(name: decoded(part[..<equals]), value: decoded(value)))
        }
        return fields
    }

    static func decoded(_ bytes: ArraySlice<UInt8>) -> String {
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count)
        var at = bytes.startIndex
        while at < bytes.endIndex {
            if bytes[at] == UInt8(ascii: "%"), at + 2 < bytes.endIndex, let high = nibble(bytes[at + 1]), let low = nibble(bytes[at + 2]) {
                out.append(high << 4 | low)
                at += 3
            } else {
                out.append(bytes[at] == UInt8(ascii: "+") ? 0x20 : bytes[at])
                at += 1
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    private static func nibble(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// RFC 7578: parts between `--boundary` lines; the name stands in Content-Disposition.
    static func multipart(_ bytes: [UInt8], boundary: [UInt8]) -> Fields {
        var fields = Fields()
        let mark = Array("--".utf8) + boundary
        var at = find(mark, in: bytes, from: 0)
        // What follows the last mark is nothing.
        while let start = at, fields.pairs.count + fields.files.count <= countMax,
            let next = find(mark, in: bytes, from: start + mark.count)
        {
            fields.take(bytes, from: start + mark.count, to: next)
            at = next
        }
        return fields
    }

    /// One part: a field, or a file when it has a file name.
    private mutating func take(_ bytes: [UInt8], from start: Int, to end: Int) {
        let blank = Array("\r\n\r\n".utf8)
        guard let split = Self.find(blank, in: bytes, from: start), split + blank.count <= end else { return }
        let lines = String(decoding: bytes[start..<split], as: UTF8.self).split(separator: "\r\n")
        guard let disposition = lines.first(where: { $0.lowercased().hasPrefix("content-disposition:") }),
            let name = Self.parameter("name", of: disposition)
        else { return }
        var value = bytes[(split + blank.count)..<end]
        if value.suffix(2) == [0x0D, 0x0A] { value = value.dropLast(2) }
        guard let file = Self.fileName(of: disposition) else {
            pairs.append(Pair(name: name, value: String(decoding: value, as: UTF8.self)))
            return
        }
        guard !file.isEmpty || !value.isEmpty else { return }
        let type = lines.first { $0.lowercased().hasPrefix("content-type:") }.map { String($0.dropFirst("content-type:".count)).trimmed }
        files.append(File(field: name, name: file, type: type ?? "application/octet-stream", bytes: Array(value)))
    }

    /// `filename="a; b.txt"`: browsers write it as it is and only the quote as %22 (WHATWG), so that it may hold anything else.
    static func fileName(of disposition: some StringProtocol) -> String? {
        let mark = Array("filename=".utf8)
        let bytes = Array(disposition.utf8)
        guard let start = find(mark, in: bytes.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }, from: 0) else { return nil }
        var rest = bytes[(start + mark.count)...]
        if rest.first == UInt8(ascii: "\"") {
            rest = rest.dropFirst()
            rest = rest.prefix { $0 != UInt8(ascii: "\"") }
        } else {
            rest = rest.prefix { $0 != UInt8(ascii: ";") }
        }
        let written = String(decoding: Array(rest), as: UTF8.self).replacing("%22", with: "\"")
        return String(written.split(whereSeparator: { $0 == "/" || $0 == "\\" }).last ?? "")
    }

    private static func find(_ needle: [UInt8], in bytes: [UInt8], from start: Int) -> Int? {
        var at = start
        while at + needle.count <= bytes.count {
            guard let hit = bytes[at...].firstIndex(of: needle[0]), hit + needle.count <= bytes.count else { return nil }
            if bytes[hit..<(hit + needle.count)].elementsEqual(needle) { return hit }
            at = hit + 1
        }
        return nil
    }

    /// `name="value"` or `name=value` of a header; `\"` and `%22` stand for a quote (WHATWG).
    static func parameter(_ name: String, of header: some StringProtocol) -> String? {
        for part in header.split(separator: ";").dropFirst() {
            let pair = part.split(separator: "=", maxSplits: 1)
            guard pair.count == 2, pair[0].trimmed.lowercased() == name else { continue }
            let value = pair[1].trimmed
            guard value.hasPrefix("\""), value.hasSuffix("\""), value.utf8.count >= 2 else { return value }
            return String(value.dropFirst().dropLast()).replacing("\\\"", with: "\"").replacing("%22", with: "\"")
        }
        return nil
    }

    private static func json(_ bytes: [UInt8]) throws -> Fields {
        let value: JSONValue
        do { value = try JSONValue.parse(bytes) } catch { throw Refusal(.badRequest, "400") }
        guard case .object(let members) = value else { throw Refusal(.badRequest, "400") }
        return Fields(pairs: members.filter { !$0.value.isNull }.map { Pair(name: $0.name, value: $0.value.plain) })
    }
}
