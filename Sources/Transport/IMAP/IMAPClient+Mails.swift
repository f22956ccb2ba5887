import Domain

extension IMAPClient {
    /// What a set of UIDs (`17:*`, `1,5:9`) holds, without the mails' text.
    /// Note that `n:*` always includes the last mail, even when its UID is below n (RFC 3501 §6.4.8).
    public func fetchSummaries(_ set: String) async throws -> [MailSummary] {
        guard !set.isEmpty, set.utf8.allSatisfy({ "0123456789:*,".utf8.contains($0) }) else {
            throw TransportError.invalid("\(set.prefix(40)) is not a set of UIDs; write 5, 5:9 or 5:*.")
        }
        var summaries: [MailSummary] = []
        try await run("UID FETCH", "\(set) (UID FLAGS INTERNALDATE RFC822.SIZE)") { response in
            guard let items = response.fetched, let uid = Self.uid(items), let size = items["RFC822.SIZE"]?.number else { return }
            summaries.append(
                MailSummary(
                    uid: uid, flags: items["FLAGS"]?.words ?? [], internalDate: Self.internalDate(items), sizeBytes: Int(clamping: size)))
        }
        return summaries
    }

    /// Fetches whole mails in batches and hands them over one by one, in the server's order; UIDs that no longer exist are left out.
    /// Nothing is marked as seen. When `each` throws, the connection is closed and the error passed on.
    ///
    /// - Parameters:
    ///   - firstBytes: Only so many bytes of each mail, for mails that are too large.
    ///   - offset: Where these bytes begin. Past a mail's end there are none.
    /// - Throws: `TransportError.unexpectedAnswer` for a mail larger than `sizeBytesMax`; look at the summaries first.
    public nonisolated(nonsending) func fetch(
        _ uids: [UInt32], firstBytes: Int? = nil, offset: Int = 0, sizeBytesMax: Int = 64 << 20,
        each: nonisolated(nonsending) (FetchedMail) async throws -> Void
    ) async throws {
        let part = firstBytes.map { "<\(offset).\(max(1, $0))>" } ?? ""
        for set in IMAPText.sets(uids, limit: Self.uidsPerCommand) {
            try await begin()
            do {
                let running = try await startFetch("\(set) (UID FLAGS INTERNALDATE\(threadItem) BODY.PEEK[]\(part))", sizeBytesMax)
                while let mail = try await nextMail(running, offset) {
                    do { try await each(mail) } catch {
                        await breakOff(error)
                        throw error
                    }
                }
                await end()
            } catch {
                await end()
                throw error
            }
        }
    }

    /// Gmail tells which conversation a mail belongs to, but not in the mail (developers.google.com/workspace/gmail/imap/imap-extensions).
    private nonisolated var threadItem: String { capabilities.contains("X-GM-EXT-1") ? " X-GM-THRID" : "" }

    private func startFetch(_ arguments: String, _ sizeBytesMax: Int) async throws -> Running {
        framer.literalBytesMax = sizeBytesMax
        return try await start("UID FETCH", arguments)
    }

    private func nextMail(_ running: Running, _ offset: Int) async throws -> FetchedMail? {
        while let response = try await response(to: running) {
            // A mail's text comes in one response; without one it is a note that flags changed.
            guard let items = response.fetched, let uid = Self.uid(items),
                let body = items["BODY[]"] ?? items["BODY[]<\(offset)>"]
            else { continue }
            // Past the end of a mail some servers say NIL instead of an empty string.
            var bytes: [UInt8] = []
            if case .string(let found) = body { bytes = found } else if offset == 0 { continue }
            return FetchedMail(
                uid: uid, flags: items["FLAGS"]?.words ?? [], internalDate: Self.internalDate(items),
                threadID: items["X-GM-THRID"]?.number.map { "\($0)" }, bytes: bytes)
        }
        return nil
    }

    /// Adds flags; whether a keyword of our own is kept tells `MailboxStatus.permanentFlags`.
    public func store(_ uids: [UInt32], flags: [String]) async throws {
        let isFlag: (String) -> Bool = { flag in
            !flag.isEmpty && flag.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && !"(){%*\"]".utf8.contains($0) }
        }
        guard !flags.isEmpty, flags.allSatisfy(isFlag) else {
            throw TransportError.invalid("\(flags.joined(separator: " ")) are no mail flags; write \\Seen or a word of letters.")
        }
        for set in IMAPText.sets(uids, limit: Self.uidsPerCommand) {
            try await run("UID STORE", "\(set) +FLAGS.SILENT (\(flags.joined(separator: " ")))") { _ in }
        }
    }

    /// Moves mails to another mailbox (RFC 6851). Without MOVE they are copied and expunged, which needs UIDPLUS: a plain EXPUNGE would
    /// take other people's deleted mails along.
    public func move(_ uids: [UInt32], to mailbox: String) async throws {
        let target = try IMAPText.mailbox(mailbox)
        guard capabilities.contains("MOVE") || capabilities.contains("UIDPLUS") else {
            throw TransportError.commandRefused(host: line.host, command: "UID MOVE", reply: "it knows neither MOVE nor UIDPLUS")
        }
        for set in IMAPText.sets(uids, limit: Self.uidsPerCommand) {
            if capabilities.contains("MOVE") {
                try await run("UID MOVE", "\(set) \(target)") { _ in }
            } else {
                try await run("UID COPY", "\(set) \(target)") { _ in }
                try await run("UID STORE", "\(set) +FLAGS.SILENT (\\Deleted)") { _ in }
                try await run("UID EXPUNGE", set) { _ in }
            }
        }
    }

    /// Marks mails as deleted and removes exactly these (RFC 4315). Without UIDPLUS they only stay marked: a plain EXPUNGE would take other
    /// people's deleted mails along.
    public func delete(_ uids: [UInt32]) async throws {
        for set in IMAPText.sets(uids, limit: Self.uidsPerCommand) {
            try await run("UID STORE", "\(set) +FLAGS.SILENT (\\Deleted)") { _ in }
            if capabilities.contains("UIDPLUS") { try await run("UID EXPUNGE", set) { _ in } }
        }
    }

    /// Makes a mailbox.
    public func create(_ mailbox: String) async throws { try await run("CREATE", try IMAPText.mailbox(mailbox)) { _ in } }

    private static func uid(_ items: [String: IMAPValue]) -> UInt32? { items["UID"]?.number.flatMap { UInt32(exactly: $0) } }

    private static func internalDate(_ items: [String: IMAPValue]) -> Timestamp? {
        guard case .string(let bytes)? = items["INTERNALDATE"] else { return nil }
        return IMAPText.date(String(decoding: bytes, as: UTF8.self))
    }
}
