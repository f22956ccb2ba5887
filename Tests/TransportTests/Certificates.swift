import Foundation
import TestServers
import Testing

/// A certificate authority for one test and servers with its certificates, made with the openssl command.
struct Certificates: ~Copyable {
    let folder: URL
    var authority: String { folder.appending(path: "ca.pem").path }

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "certificates-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
        try run("req -x509 \(key) -keyout ca.key -out ca.pem -days 2 -subj /CN=TestAuthority")
        try run("req -new \(key) -keyout server.key -out server.csr -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1")
        for (name, days) in [("good", 2), ("expired", -1)] {
            try run(
                "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days \(days) -copy_extensions copyall -out \(name).pem")
        }
        try run(
            "req -x509 \(key) -keyout other.key -out other.pem -days 2 -subj /CN=wrong.example -addext subjectAltName=DNS:wrong.example")
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    private func run(_ arguments: String) throws { try Program.run(words(arguments), in: folder) }

    private func words(_ arguments: String) -> [String] { ["/usr/bin/openssl"] + arguments.split(separator: " ").map(String.init) }

    /// Starts an HTTPS server that answers everything with a page about the connection.
    func serve(_ certificate: String, key: String = "server.key") throws -> SecureServer {
        let openssl = try Program(words("s_server -accept 127.0.0.1:0 -cert \(certificate).pem -key \(key) -www"), in: folder)
        var text = ""
        while !text.contains("\n") || !text.contains("ACCEPT ") {
            let data = openssl.output.availableData
            try #require(!data.isEmpty, "openssl s_server did not start")
            text += String(decoding: data, as: UTF8.self)
            if let line = text.split(separator: "\n").first(where: { $0.hasPrefix("ACCEPT ") }), text.hasSuffix("\n"),
                let port = line.split(separator: ":").last.flatMap({ Int($0) })
            {
                return SecureServer(process: openssl, port: port)
            }
        }
        throw CocoaError(.fileReadUnknown)
    }
}

struct SecureServer: ~Copyable {
    private let process: Program
    let port: Int

    init(process: Program, port: Int) {
        self.process = process
        self.port = port
    }

    deinit { process.terminate() }
}
