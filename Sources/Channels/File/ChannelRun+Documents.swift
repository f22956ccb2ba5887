import Domain
import Formats

extension ChannelRun {
    // MARK: Secrets

    /// Without what the account keeps secret, in any form it may come back in.
    public func masked(_ text: String) -> String {
        var secrets: [String] = []
        for input in file.inputs where input.kind == .secret {
            if let secret = config[input.name]?.plain, secret.utf8.count >= 4 { secrets.append(secret) }
        }
        for (name, secret) in Array(state.session) + Array(state.replySession) where secret.utf8.count >= 8 && name != Self.renewAt {
            secrets.append(secret)
        }
        if case .basic(let user, let password, _) = file.auth {
            let scope = scope()
            secrets.append(base64("\(user.text(scope) ?? ""):\(password.text(scope) ?? "")"))
        }
        var text = text
        // A long one may hold a short one.
        for secret in secrets.sorted(by: { $0.utf8.count > $1.utf8.count }) {
            let forms: Set<String> = [
                secret, CallBuilder.pathPart(secret), String(CallBuilder.urlencoded([("", secret)]).dropFirst()),
                String(JSONValue.string(secret).json.dropFirst().dropLast()), base64(secret),
                secret.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing("\"", with: "&quot;"),
            ]
            for form in forms.sorted(by: { $0.utf8.count > $1.utf8.count }) { text = text.replacing(form, with: "•••") }
        }
        return text
    }

    // MARK: Size

    /// Read, each value takes many times its bytes.
    static let valuesMax = 1_000_000

    /// Counts what parts values in JSON, XML and tables, without reading them.
    static func holdsFewValues(_ body: [UInt8]) -> Bool {
        guard body.count > valuesMax else { return true }
        let first = body.first { $0 > 0x20 && $0 != 0xEF && $0 != 0xBB && $0 != 0xBF }
        let isJSON = first == 0x7B || first == 0x5B
        let marks: [UInt8] = isJSON ? [0x2C, 0x7B, 0x5B] : first == 0x3C ? [0x3C] : [0x2C, 0x3B, 0x09, 0x0A]
        return body.withUnsafeBufferPointer { bytes in
            var (count, i, isText) = (0, 0, false)
            while i < bytes.count {
                let byte = bytes[i]
                if isText {
                    if byte == 0x5C { i += 1 } else if byte == 0x22 { isText = false }
                } else if isJSON, byte == 0x22 {
                    isText = true
                } else if marks.contains(byte) {
                    count += 1
                }
                i += 1
            }
            return count <= valuesMax
        }
    }

    // MARK: Documents

    func document(
        _ answer: ChannelAnswer, _ format: ChannelFile.Stream.Format, decode: ChannelFile.Stream.Decoding?, body: ChannelExpression?
    ) throws(ChannelTrouble) -> JSONValue {
        var bytes = answer.body
        if let body {
            guard let outer = try? JSONValue.parse(bytes) else { throw unreadable("JSON", bytes) }
            var scope = scope()
            scope.root = outer
            scope.record = outer
            bytes = Array((body.text(scope) ?? "").utf8)
        }
        if decode == .base64 {
            var decoder = TransferDecoder()
            let plain = decoder.base64(bytes[...])
            guard !plain.isEmpty || bytes.isEmpty else { throw unreadable("base64", bytes) }
            bytes = plain
        }
        if format != .json, Self.isWebPage(bytes) { throw unreadable(format.rawValue.uppercased(), bytes) }
        switch format {
        case .json:
            guard let value = try? JSONValue.parse(bytes) else { throw unreadable("JSON", bytes) }
            return value
        case .jsonl:
            var items: [JSONValue] = []
            for line in bytes.split(separator: 0x0A) where !line.allSatisfy({ $0 <= 0x20 }) {
                guard let value = try? JSONValue.parse(Array(line)) else { throw unreadable("a line of JSON", Array(line)) }
                items.append(value)
            }
            return .array(items)
        case .csv:
            let rows: [CSVRow]
            do { rows = try CSV.parse(bytes) } catch { throw ChannelTrouble(remedy: .backoff, say: "\(file.name): \(error)") }
            return .array(rows.map { .object($0.fields.map { .init($0.name, .string($0.value)) }) })
        case .xml:
            guard let value = XMLTree.read(bytes) else { throw unreadable("XML", bytes) }
            return value
        }
    }

    static func isWebPage(_ bytes: [UInt8]) -> Bool {
        let start = String(decoding: bytes.prefix(400), as: UTF8.self).lowercased()
        return start.contains("<html") || start.contains("<!doctype html")
    }

    private func unreadable(_ wanted: String, _ bytes: [UInt8]) -> ChannelTrouble {
        let found = bytes.isEmpty ? "nothing" : Self.isWebPage(bytes) ? "a web page" : "something else"
        return ChannelTrouble(remedy: .backoff, say: "\(file.name) answered with \(found) instead of \(wanted)")
    }
}
