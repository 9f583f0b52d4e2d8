/* SPDX-License-Identifier: MIT */

/* Functions for the tests of the audit to be compiled by other compilers than Cranelift: enough
 * code to be recognised without a container, too. */

struct node {
	unsigned long a, b;
	struct node *next;
};

unsigned long walk(const struct node *n, const int *p, unsigned long k)
{
	unsigned long s = 0;

	for (; n; n = n->next) {
		s += n->a * 3 + (n->b ? (unsigned long)*p : k);
		if (s > 1000)
			return s - k;
	}
	return s;
}

void mix(char *d, const char *s, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		d[i] = s[i] != 'x' ? (char)(s[i] ^ (char)i) : s[n - i];
}

int largest(int a, int b, int c, int d, int e)
{
	int v[5] = { a, b, c, d, e }, m = 0;

	for (int i = 0; i < 5; i++)
		m = v[i] > m ? v[i] : m + i;
	return m;
}

unsigned long collatz(unsigned long x)
{
	unsigned long r = 1;

	while (x > 1) {
		r = r * 31 + (x & 1 ? (unsigned long)largest((int)x, 2, 3, 4, 5) : 7);
		x = x % 2 ? 3 * x + 1 : x / 2;
	}
	return r;
}

unsigned long recurse(const struct node *n)
{
	int k = 7;

	return n ? recurse(n->next) + collatz(n->a) : walk(n, &k, 1);
}

void _start(void)
{
	struct node n = { 1, 2, 0 };
	char b[64] = { 0 };

	mix(b, b, (unsigned)recurse(&n) % 64);
	for (;;)
		;
}
