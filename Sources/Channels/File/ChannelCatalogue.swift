/// The page about all channels, made from their files: `docs/channels.md`.
public enum ChannelCatalogue {
    public static func markdown(_ library: ChannelLibrary) throws(LibraryError) -> String {
        var rows: [String] = []
        var samples = 0
        var answering = 0
        for file in library.files {
            let count = try library.samples(of: file.name).count
            samples += count
            if file.reply != nil { answering += 1 }
            let streams = file.streams.map { stream in
                stream.name + (stream.product == .interaction ? "" : " (\(stream.product.rawValue)s)")
            }
            let reads = file.streams.isEmpty ? "pushed to us" : streams.joined(separator: ", ")
            let cursors = Set(file.streams.map(\.cursor.kind.rawValue)).sorted().joined(separator: ", ")
            rows.append(
                "| [\(file.name)](../channels/\(file.name).yaml) | \(cell(file.about)) | \(reads) | \(file.authName) "
                    + "| \(cursors.isEmpty ? "–" : cursors) "
                    + "| \(file.reply == nil ? "–" : file.replyWords) | \(count) | [documentation](\(file.docs)) |")
        }
        return """
            # Channels

            Made by `hongyan channel list --markdown` from the files in `channels/`; \(library.files.count) files, \(answering) of them \
            can answer, \(samples) recorded samples, all replayed by `hongyan channel test`. How to add one: \
            [CONTRIBUTING.md](../CONTRIBUTING.md#a-channel). The samples follow the sources' documentation; no live account of any of \
            them was at hand. What could not be looked up says `unverified` in its file.

            | Channel | What it is | Reads | Permission | Cursor | Answers | Samples | Written from |
            |---|---|---|---|---|---|---|---|
            \(rows.joined(separator: "\n"))

            """
    }

    private static func cell(_ text: String) -> String { text.replacing("|", with: "\\|") }
}

extension ChannelFile {
    var authName: String {
        switch auth {
        case .none: "none"
        case .bearer: "bearer token"
        case .basic(_, _, let isOptional): isOptional ? "basic, if any" : "basic"
        case .header: "key in a header"
        case .query: "key in the address"
        case .session: "session"
        case .oauth2(let oauth): "OAuth 2 (\(oauth.grant.rawValue.replacing("_", with: " ")))"
        case .sign: "signed requests"
        }
    }

    var replyWords: String {
        guard let reply else { return "–" }
        var words = "yes"
        if let limit = reply.limit { words += ", \(limit) \(reply.unit == .characters ? "characters" : reply.unit.rawValue)" }
        if let open = reply.openFor { words += ", for \(open.components.seconds / 3600) h" }
        if let most = reply.messagesMax { words += ", \(most) messages" }
        return words
    }
}
