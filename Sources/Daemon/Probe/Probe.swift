import Domain
import Formats
import FoundationEssentials

/// How messages would be understood, without taking them in: the very readers of Intake over files. One process for thousands of them; a
/// bad one is reported in its place and stops no other.
public struct Probe: Sendable {
    public enum Kind: String, Sendable, CaseIterable { case mail, header, reply, bounce, tnef, mbox, feed, html }

    /// A file larger than this is refused; no message may be larger either.
    static let bytesMax = MailParser.bytesMax
    /// Files read ahead of the one that is printed.
    static let aheadMax = 16

    public var kind: Kind
    /// One JSON object a line instead of a page.
    public var jsonLines: Bool
    /// `reply` only: whether a signature stays with the new words.
    public var keepsSignature: Bool
    /// `mail` only: to verify and decrypt with.
    private let keys: MailKeys?
    /// `feed` only: where the files were fetched from, the base of their relative links.
    private let url: String

    /// - Parameter keys: a GnuPG home.
    public init(kind: Kind, jsonLines: Bool, keepsSignature: Bool = false, keys: String? = nil, url: String? = nil) {
        self.kind = kind
        self.jsonLines = jsonLines
        self.keepsSignature = keepsSignature
        self.keys = keys.map { MailKeys(folder: $0) }
        self.url = url ?? ""
    }

    /// Prints what each file would become, in the order given.
    /// - Returns: how many could not be read.
    public func run(_ paths: some Sequence<String> & Sendable) async -> Int {
        var bad = 0
        var waiting: [Task<Finding, Never>] = []
        var next = 0
        func printOldest() async {
            let finding = await waiting[next].value
            waiting[next] = Task { Finding(text: "", isBad: false) }  // lets go of the text
            next += 1
            print(finding.text)
            if finding.isBad { bad += 1 }
        }
        for path in paths {
            if waiting.count - next >= Self.aheadMax { await printOldest() }
            waiting.append(Task.detached { examine(path) })
        }
        while next < waiting.count { await printOldest() }
        return bad
    }

    private struct Finding: Sendable {
        var text: String
        var isBad: Bool
    }

    private func examine(_ path: String) -> Finding {
        let file = path.split(separator: "/").last.map(String.init) ?? path
        let parts = file.split(separator: ".", omittingEmptySubsequences: false)
        let id = parts.count > 1 ? parts.dropLast().joined(separator: ".") : file
        let fileExtension = parts.count > 1 ? String(parts[parts.count - 1]).lowercased() : ""
        do {
            let bytes = try read(path)
            if !jsonLines { return Finding(text: "== \(path)\n\(try page(bytes, fileExtension, path))\n", isBad: false) }
            let result = try result(bytes, fileExtension, path)
            guard case .object(let members) = result else { return Finding(text: "", isBad: true) }
            return Finding(text: JSONValue.object([.init("id", .string(id))] + members).json, isBad: false)
        } catch {
            if !jsonLines { return Finding(text: "== \(path)\nnot understood: \(error)\n", isBad: true) }
            return Finding(text: JSONValue.object([.init("id", .string(id)), .init("error", .string("\(error)"))]).json, isBad: true)
        }
    }

    private func read(_ path: String) throws -> [UInt8] {
        let url = URL(filePath: path)
        let data = try Data(contentsOf: url)
        guard data.count <= Self.bytesMax else {
            throw ProbeError(description: "the file has \(data.count) bytes, more than \(Self.bytesMax)")
        }
        return [UInt8](data)
    }

    private func result(_ bytes: [UInt8], _ fileExtension: String, _ path: String) throws -> JSONValue {
        switch kind {
        case .mail: try MailProbe.result(bytes, keys: keys)
        case .header: try HeaderProbe.result(bytes)
        case .reply: try ReplyProbe.result(bytes, fileExtension: fileExtension, keepSignature: keepsSignature)
        case .bounce: try BounceProbe.result(bytes)
        case .tnef: try TNEFProbe.result(bytes)
        case .mbox: try MBoxProbe.result(bytes)
        case .feed: try FeedProbe.result(bytes, url: feedURL(path), response: response(path))
        case .html: HTMLProbe.result(bytes)
        }
    }

    private func page(_ bytes: [UInt8], _ fileExtension: String, _ path: String) throws -> String {
        switch kind {
        case .mail: try MailProbe.page(bytes, keys: keys)
        case .header: try HeaderProbe.page(bytes)
        case .reply: try ReplyProbe.page(bytes, fileExtension: fileExtension)
        case .bounce: try BounceProbe.page(bytes)
        case .tnef: try TNEFProbe.page(bytes)
        case .mbox: try MBoxProbe.page(bytes)
        case .feed: try FeedProbe.page(bytes, url: feedURL(path), response: response(path))
        case .html: HTMLProbe.page(bytes)
        }
    }

    private func feedURL(_ path: String) -> String { url.isEmpty ? path : url }

    /// The response's headers of a case of a test kit: `cases/ID.xml` has them in `expected/ID.json` under `http_headers`.
    private func response(_ path: String) -> FeedResponse {
        let file = URL(filePath: path)
        let folder = file.deletingLastPathComponent()
        guard folder.lastPathComponent == "cases" else { return FeedResponse() }
        let name = file.deletingPathExtension().lastPathComponent + ".json"
        let beside = folder.deletingLastPathComponent().appending(path: "expected").appending(path: name)
        guard let data = try? Data(contentsOf: beside), let headers = try? JSONValue.parse([UInt8](data))["http_headers"] else {
            return FeedResponse()
        }
        return FeedResponse(
            contentType: headers["content-type"]?.string, contentLocation: headers["content-location"]?.string,
            contentLanguage: headers["content-language"]?.string)
    }
}

struct ProbeError: Error, CustomStringConvertible {
    var description: String
}
