public import Domain
public import Formats

extension ChannelRun {
    /// Sends one answer. A text over the limit was split before; each part has its own stable id.
    /// - Parameters:
    ///   - item: the message that is answered, as `ChannelItem.value` has it.
    ///   - id: the same for every try of the same answer, `[0-9a-zA-Z_-]{1,32}`.
    ///   - at: when it was written; the same for every try.
    ///   - before: called once, right before the answer leaves for the first time; nothing has left when it throws.
    /// - Returns: what the source calls the answer; nil when the file does not say where it stands.
    public mutating func answer(
        _ item: JSONValue, text: String, id: String, at: Timestamp? = nil, before: (@Sendable () async throws -> Void)? = nil
    ) async throws -> String? {
        guard let reply = file.reply else { throw ChannelTrouble(remedy: .stop, say: "\(file.name) cannot be answered") }
        let at = at ?? tools.now()
        let names: [String: JSONValue] = [
            "item": Self.nested(item),
            "reply": .object([
                .init("text", .string(text)), .init("id", .string(id)), .init("at", .string(DateFormat.exact(at))),
                .init("tid", .string(Self.tid(id, at))),
            ]),
        ]
        let usual = file.auth
        if let auth = reply.auth {
            file.auth = auth
            swap(&state.session, &state.replySession)
            isAnswering = true
        }
        defer {
            isAnswering = false
            if reply.auth != nil {
                file.auth = usual
                swap(&state.session, &state.replySession)
            }
        }
        let answer = try await ask(before: before) { run throws(ChannelCallError) in
            let scope = run.scope(names)
            return (try CallBuilder(reply.request, base: run.file.base, scope), scope)
        }
        guard let sentID = reply.sentID else { return nil }
        let root = (try? JSONValue.parse(answer.body)) ?? .null
        var scope = scope(names)
        scope.root = root
        scope.record = root
        scope.headers = answer.headers
        if let text = sentID.text(scope), !text.isEmpty { return text }
        // A page for people, or half an answer, is no receipt.
        throw ChannelTrouble(
            remedy: .backoff, say: "\(file.name) answered \(answer.status), but did not say as what it took the answer",
            status: answer.status,
            fate: .unknown)
    }

    /// A timestamp identifier as the AT Protocol wants it for its record keys: 53 bits of microseconds and 10 bits that tell apart what was
    /// written in the same one, in 13 sortable characters.
    static func tid(_ id: String, _ at: Timestamp) -> String {
        let digits = Array("234567abcdefghijklmnopqrstuvwxyz".utf8)
        var low: UInt64 = 0
        for byte in id.utf8 { low = (low &* 31 &+ UInt64(byte)) & 0x3FF }
        let value = (UInt64(clamping: at.microseconds) & ((1 << 53) - 1)) << 10 | low
        return String(decoding: (0..<13).map { digits[Int(value >> UInt64(60 - 5 * $0) & 31)] }, as: UTF8.self)
    }

    /// `{"author.name": …}` as `{"author": {"name": …}}`, so that paths walk it.
    static func nested(_ item: JSONValue) -> JSONValue {
        guard case .object(let members) = item else { return item }
        var out: [JSONValue.Member] = []
        for member in members {
            let parts = member.name.split(separator: ".", maxSplits: 1).map(String.init)
            guard parts.count == 2, ["author", "customer", "fields"].contains(parts[0]) else {
                if let at = out.firstIndex(where: { $0.name == member.name }), case .object(let a) = out[at].value,
                    case .object(let b) = member.value
                {
                    out[at].value = .object(a + b)
                } else {
                    out.append(member)
                }
                continue
            }
            let inner = JSONValue.Member(parts[1], member.value)
            if let at = out.firstIndex(where: { $0.name == parts[0] }), case .object(let known) = out[at].value {
                out[at].value = .object(known + [inner])
            } else {
                out.append(.init(parts[0], .object([inner])))
            }
        }
        return .object(out)
    }
}

extension ChannelFile.Reply {
    /// The parts an answer is sent in: whole sentences where there are any, never a character cut in two. Nil when it is too long and may
    /// not be split.
    public func parts(of text: String) -> [String]? {
        guard let limit, size(text) > limit else { return [text] }
        guard splits else { return nil }
        var parts: [String] = []
        var rest = text[...]
        while size(rest) > limit {
            var end = rest.startIndex
            var best: String.Index?
            var count = 0
            for index in rest.indices {
                count += size(rest[index...index])
                if count > limit { break }
                end = rest.index(after: index)
                if rest[index].isNewline || rest[index] == " " || "。！？；.!?;".contains(rest[index]) { best = end }
            }
            guard end > rest.startIndex else { return nil }
            // A break far from the end would make many small parts.
            let cut =
                best.map { rest.distance(from: rest.startIndex, to: $0) * 2 >= rest.distance(from: rest.startIndex, to: end) ? $0 : end }
                ?? end
            parts.append(Text.trim(String(rest[..<cut])))
            rest = rest[cut...].drop { $0.isWhitespace }
        }
        if !rest.isEmpty { parts.append(String(rest)) }
        return parts
    }

    private func size(_ text: some StringProtocol) -> Int {
        switch unit {
        case .characters: text.unicodeScalars.count
        case .graphemes: text.count
        case .bytes: text.utf8.count
        }
    }
}
