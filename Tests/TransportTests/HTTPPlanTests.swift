import Domain
import Testing

@testable import Transport

@Suite struct HTTPPlanTests {
    private func plan(_ url: String, method: String = "GET", headers: [(String, String)] = [], max: Int = 5) throws -> HTTPPlan {
        var request = HTTPRequest(method, url)
        request.headers = headers
        request.redirectsMax = max
        request.body = method == "POST" ? [1] : nil
        return try HTTPPlan(request)
    }

    private func answer(public isPublic: Bool = false) -> HTTPAnswer {
        HTTPAnswer(response: HTTPResponse(status: 302, headers: [], body: [], url: ""), redirect: nil, cameFromPublic: isPublic)
    }

    @Test(
        "a request that is wrong is refused before anything is sent",
        arguments: [
            ("ftp://a.example/x", "ftp://a.example/x has the scheme ftp; only http, https can be used here."),
            ("file:///etc/passwd", "file:///etc/passwd has the scheme file; only http, https can be used here."),
            ("a b", "a b is not a URL; write http://, https:// and a host."),
            ("http://u:p@h.example/a\r\nX: y?token=1", "http://h.example/a??X: y is not a URL; write http://, https:// and a host."),
            ("https://:443/?key=s3cret", "https://:443/ is not a URL; write http://, https:// and a host."),
        ])
    func badURL(url: String, says: String) {
        let error = #expect(throws: TransportError.self) { try plan(url) }
        #expect(error?.description == says)
    }

    @Test("a header cannot smuggle in another", arguments: ["a\r\nX-Evil: 1", "a\nb", "a\rb", "a\0b"])
    func badHeader(value: String) {
        let error = #expect(throws: TransportError.self) { try plan("https://a.example/", headers: [("Authorization", value)]) }
        #expect(
            error?.description
                == "the header Authorization for a.example holds a line break; check the secret or setting it comes from.")
        #expect(throws: TransportError.self) { try plan("https://a.example/", headers: [("A: b\r\nX", "y")]) }
        #expect(throws: TransportError.self) { try plan("https://a.example/", method: "GET / HTTP/1.1\r\nX: y") }
    }

    @Test func `errors and answers show neither user nor query`() throws {
        let plan = try plan("https://anna:s3cret@A.example:8443/f?key=abc#top")
        #expect(plan.address.redacted == "https://a.example:8443/f" || plan.address.redacted == "https://A.example:8443/f")
        #expect(plan.address.url.contains("s3cret") == false)
        #expect((plan.user, plan.password) == ("anna", "s3cret"))
        #expect(plan.address.port == 8443)
    }

    @Test func `a redirect may be kept from leading to another place inside a private network`() throws {
        var request = HTTPRequest("GET", "http://10.0.0.5/1")
        request.allowPrivateRedirects = false
        var plan = try HTTPPlan(request)
        try plan.follow("http://10.0.0.5/2", status: 302, from: answer())
        #expect(!plan.refusesPrivate)
        try plan.follow("http://10.0.0.6/2", status: 302, from: answer())
        #expect(plan.refusesPrivate)
        try plan.follow("http://10.0.0.6/3", status: 302, from: answer())
        #expect(plan.refusesPrivate, "and stays so")
        var usual = try HTTPPlan(HTTPRequest("GET", "http://10.0.0.5/1"))
        try usual.follow("http://10.0.0.6/2", status: 302, from: answer())
        #expect(!usual.refusesPrivate)
    }

    @Test func `secrets go along within an origin and nowhere else`() throws {
        let headers = [("Authorization", "Bearer x"), ("X-Api-Key", "k"), ("Accept", "text/html"), ("Cookie", "c")]
        var here = try plan("https://a.example/1", headers: headers)
        try here.follow("https://a.example/2", status: 302, from: answer())
        #expect(here.headers.count == 4)
        for other in ["https://b.example/", "https://a.example:444/", "https://a.example.evil.example/"] {
            var there = here
            try there.follow(other, status: 302, from: answer())
            #expect(there.headers.map(\.0) == ["Accept"])
        }
        var user = try plan("https://anna:pw@a.example/")
        try user.follow("https://a.example/2", status: 307, from: answer())
        #expect(user.user == "anna")
        try user.follow("https://b.example/2", status: 307, from: answer())
        #expect(user.user == nil)
    }

    @Test(
        "a redirect that would do harm is not followed",
        arguments: [
            ("file:///etc/passwd", "it leads to file:///etc/passwd, and only http and https are followed"),
            ("smtp://a.example/", "it leads to smtp://a.example/, and only http and https are followed"),
            ("http://a.example/", "it leads from https to http and would show the login to everyone on the way"),
        ])
    func harmful(target: String, says: String) throws {
        var plan = try plan("https://a.example/feed?key=1", headers: [("Authorization", "x")])
        let error = #expect(throws: TransportError.self) { try plan.follow(target, status: 302, from: answer()) }
        #expect(error?.description == "the redirect of https://a.example/feed was not followed: \(says).")
    }

    @Test func `after so many redirects it ends`() throws {
        var plan = try plan("https://a.example/", max: 2)
        try plan.follow("https://a.example/1", status: 302, from: answer())
        try plan.follow("http://a.example/2", status: 302, from: answer())
        let error = #expect(throws: TransportError.self) { try plan.follow("https://a.example/3", status: 302, from: answer()) }
        #expect(error?.description == "the redirect of http://a.example/2 was not followed: more than 2 in a row.")
    }

    @Test(
        "the method after a redirect",
        arguments: [
            (301, "POST", "GET"), (302, "POST", "GET"), (303, "PUT", "GET"), (303, "HEAD", "HEAD"), (307, "POST", "POST"),
            (308, "POST", "POST"),
            (301, "PUT", "PUT"),
        ])
    func method(status: Int, before: String, after: String) throws {
        var plan = try plan("https://a.example/", method: before, headers: [("Content-Type", "text/csv")])
        try plan.follow("https://a.example/1", status: status, from: answer())
        #expect(plan.method == after)
        #expect((plan.body == nil) == (after != "POST"))
    }

    @Test func `from the public network no redirect leads into a private one`() throws {
        var plan = try plan("https://a.example/")
        try plan.follow("https://b.example/", status: 302, from: answer())
        #expect(!plan.refusesPrivate)
        try plan.follow("https://c.example/", status: 302, from: answer(public: true))
        #expect(plan.refusesPrivate)
    }

    @Test(
        "private addresses are known in every form",
        arguments: [
            "127.0.0.1", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
            "255.255.255.255", "::1", "::", "fe80::1", "fd00::1", "ff02::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:0a00:0001::",
            "garbage",
        ])
    func privateAddresses(text: String) {
        #expect(isPrivate(text))
    }

    @Test(
        "public addresses are not private",
        arguments: ["8.8.8.8", "172.32.0.1", "100.128.0.1", "192.169.0.1", "2606:4700::1", "::ffff:8.8.8.8"])
    func publicAddresses(text: String) {
        #expect(!isPrivate(text))
    }
}
