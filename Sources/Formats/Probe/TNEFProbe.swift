/// What a winmail.dat holds.
public enum TNEFProbe {
    struct NoTNEF: Error, CustomStringConvertible {
        var description: String { "these bytes are no winmail.dat: the signature 78 9F 3E 22 is missing" }
    }

    /// - Throws: when the bytes are no TNEF.
    public static func result(_ bytes: [UInt8]) throws -> JSONValue {
        let (subject, files) = try read(bytes)
        return .object([
            JSONValue.Member("subject", subject.map { .string($0) } ?? .null),
            JSONValue.Member("names", .array(files.map { .string($0.name) })),
            JSONValue.Member(
                "files",
                .array(
                    files.map {
                        .object([
                            JSONValue.Member("name", .string($0.name)), JSONValue.Member("size", .number("\($0.bytes.count)")),
                            JSONValue.Member("sha256", .string(MIMEPart.sha256($0.bytes))),
                            JSONValue.Member("sha256_lf", .string(MIMEPart.sha256(ProbeJSON.withLineFeeds($0.bytes)))),
                            JSONValue.Member("type", MagicType.detect($0.bytes).map { .string($0) } ?? .null),
                        ])
                    })),
        ])
    }

    /// - Throws: when the bytes are no TNEF.
    public static func page(_ bytes: [UInt8]) throws -> String {
        let (subject, files) = try read(bytes)
        let lines = (subject.map { ["Subject: \($0)"] } ?? []) + files.map { "- \($0.name), \($0.bytes.count) bytes" }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func read(_ bytes: [UInt8]) throws -> (subject: String?, files: [(name: String, bytes: [UInt8])]) {
        guard let tnef = TNEF(bytes[...]) else { throw NoTNEF() }
        var files: [(name: String, bytes: [UInt8])] = []
        tnef.forEachFile { files.append(($0.name ?? "", $0.bytes)) }
        if let text = tnef.text { files.append(("body.txt", Array(text.utf8))) }
        if let html = tnef.html { files.append(("body.html", html)) }
        if let rtf = tnef.rtf { files.append(("body.rtf", rtf)) }
        return (tnef.subject, files)
    }
}
