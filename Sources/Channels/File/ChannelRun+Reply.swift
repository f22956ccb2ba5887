import Domain
public import Formats

extension ChannelRun {
    /// Sends one answer. A text over the limit was split before; each part has its own stable id.
    /// - Parameters:
    ///   - item: the message that is answered, as `ChannelItem.value` has it.
    ///   - id: the same for every try of the same answer, `[0-9a-zA-Z_-]{1,32}`.
    /// - Returns: what the source calls the answer; nil when it does not say.
    public mutating func answer(_ item: JSONValue, text: String, id: String) async throws -> String? {
        guard let reply = file.reply else { throw ChannelTrouble(remedy: .stop, say: "\(file.name) cannot be answered") }
        let names: [String: JSONValue] = [
            "item": Self.nested(item), "reply": .object([.init("text", .string(text)), .init("id", .string(id))]),
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
        let answer = try await ask { run throws(ChannelCallError) in
            let scope = run.scope(names)
            return (try CallBuilder(reply.request, base: run.file.base, scope), scope)
        }
        guard let sentID = reply.sentID, let root = try? JSONValue.parse(answer.body) else { return nil }
        var scope = scope(names)
        scope.root = root
        scope.record = root
        scope.headers = answer.headers
        return sentID.text(scope)
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
